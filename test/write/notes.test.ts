/** Records that report the call of a span, in any order of arrival: a note below its span, and a conversation told late. */
import fc from "fast-check";
import { afterAll, expect, inject, it } from "vitest";
import { evidenceOf } from "../../src/ingest/decode/evidence.ts";
import { unknownIn } from "../../src/ledger/conversation.ts";
import { isNote, noteOf } from "../../src/ledger/note.ts";
import { ownDatabase } from "../own-database.ts";
import * as histories from "./histories.ts";
import { alone, counted, everyOrder, orderOf, type Sent } from "./histories.ts";

const { db } = await ownDatabase(inject("driver"), afterAll);
const ledgerOf = async (bodies: readonly (readonly Sent[])[]) => await histories.ledgerOf(db, bodies, []);

const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
const spanId = "00000000000000aa";
const span = { traceId, spanId, parentId: "00000000000000ab", responseId: null };
const note = { traceId, spanId: noteOf(spanId), parentId: spanId, responseId: null };

it("knows a note by its id", () => {
  expect(isNote(note.spanId, spanId)).toBe(true);
  expect(noteOf(note.spanId)).toBe(spanId);
  for (const other of [null, note.spanId, "00000000000000ab"]) expect(isNote(note.spanId, other)).toBe(false);
});

it.each<[string, Parameters<typeof alone>[2], Parameters<typeof alone>[2], string]>([
  ["the span where both know the tokens", {}, {}, "span"],
  ["the span where both failed", { inputTokens: 0, outputTokens: 0 }, { inputTokens: 0, outputTokens: 0 }, "span"],
  ["the note where it alone knows the tokens", { inputTokens: null, outputTokens: null }, {}, "note"],
])("counts %s", async (_, ofSpan, ofNote, counts) => {
  const sent = [alone("span", 0, { ...span, ...ofSpan }), alone("note", 9, { ...note, ...ofNote })];
  for (const bodies of everyOrder(sent)) expect(counted(await ledgerOf(bodies))).toEqual([counts]);
  expect(counted(await ledgerOf([sent]))).toEqual([counts]);
  expect(counted(await ledgerOf([[sent[1]!]]))).toEqual(["note"]);
});

it("joins a span by the conversation that a span of another body tells, and prefers the report with a model", async () => {
  const idsOf = (conversation: string) => evidenceOf("codex", conversation, [100, 0, 20], histories.START_MS);
  const orphan = alone("span", 0, { ...span, model: "unknown", otherIds: idsOf(unknownIn(traceId)) });
  const log = alone("log", 5, { responseId: null, otherIds: idsOf("c-1") });
  const other = alone("other log", 6, { responseId: null, otherIds: idsOf("c-2") });
  const above: Sent = {
    link: {
      traceId,
      spanId: "00000000000000ab",
      parentId: null,
      startedAtMs: histories.START_MS,
      wrapper: false,
      ofInterest: true,
      userId: null,
      sessionId: "c-1",
      tags: {},
    },
  };
  await fc.assert(
    fc.asyncProperty(orderOf([orphan, log, other, above]), async (bodies) => {
      expect(counted(await ledgerOf(bodies))).toEqual(["log", "other log"]);
    }),
    { numRuns: 20 },
  );
  expect(counted(await ledgerOf([[orphan], [log]]))).toEqual(["log", "span"]);
});
