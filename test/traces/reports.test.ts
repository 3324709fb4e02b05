/** The receipt lists the reports of a call, what joined them and what decided, and shows what its own report lacks. */
import { expect, it } from "vitest";
import type { Call } from "../../src/ledger/call.ts";
import { readCall } from "../../src/traces/read.ts";
import { writeBatch } from "../../src/write/write-batch.ts";
import { priced, trace } from "../calls.ts";
import { database, newProject } from "../ledger.ts";

const db = database();
const START_MS = Date.UTC(2025, 8, 1, 12);

async function ledgerWith(calls: Call[]): Promise<(call: Call) => ReturnType<typeof readCall>> {
  const project = await newProject(db);
  for (const call of calls) await writeBatch(db, project, [priced(call)]);
  return async (call) => await readCall(db, project, call.id);
}

const of = (clientId: string, changes: Partial<Call>): Call =>
  trace({ startedAtMs: START_MS + Number.parseInt(clientId, 10), clientId, ...changes });

it("lists reports that are joined in pairs, the best one first, by which ids, and in what each is behind", async () => {
  const log = of("1", { responseId: "req_1", cacheReadTokens: 10, rule: "log" });
  const gateway = of("2", { responseId: "msg_1", userId: "ada", tags: { team: "a", kind: "x" }, requestModel: "gpt" });
  const file = of("3", { responseId: "req_1", otherIds: ["msg_1"], sessionId: "s", tags: { team: "b" } });
  const other = of("4", { responseId: "req_2" });
  const read = await ledgerWith([gateway, other, log, file]);

  const call = (await read(log))!;
  expect(call.counted_as).toBeNull();
  expect(call.reports).toMatchObject([
    { id: log.id, rule: "log", joined_by: ["req_1"], counts: true, decided_by: null },
    { id: gateway.id, rule: "native", joined_by: ["msg_1"], counts: false, decided_by: "priced_counts" },
    { id: file.id, joined_by: ["req_1", "msg_1"], counts: false, decided_by: "priced_counts" },
  ]);
  // The gateway's report ranks before the file's: both name one of user and session, and it began first.
  expect(call).toMatchObject({ user_id: "ada", session_id: "s", request_model: "gpt", tags: { team: "a", kind: "x" } });
  expect(call.filled).toEqual({
    user_id: gateway.id,
    session_id: file.id,
    request_model: gateway.id,
    "tags.team": gateway.id,
    "tags.kind": gateway.id,
  });

  // A report that does not count is shown as it came.
  expect(await read(file)).toMatchObject({ counted_as: log.id, reports: call.reports, user_id: null, filled: {} });
  expect(await read(other)).toMatchObject({
    counted_as: null,
    reports: [{ id: other.id, joined_by: [], counts: true, decided_by: null }],
    filled: {},
  });
});

it.each<[string, Partial<Call>, Partial<Call>]>([
  ["tokens", {}, { outputTokens: 101 }],
  ["cache_writes_by_age", { cacheWriteTokens: 5 }, { cacheWriteTokens: 5, cacheWrite5mTokens: 5 }],
  ["user_and_session", { userId: "ada" }, { userId: "ada", sessionId: "s" }],
  ["answering_model", { requestModel: "gpt-4o" }, { requestModel: "gpt-4o-latest" }],
  ["standard_tier", {}, { serviceTier: "standard" }],
  ["priced_counts", { outputTokens: 900 }, { reasoningTokens: 5 }],
])("names %s where that decides", async (decided_by, less, more) => {
  const [first, second] = [of("1", { responseId: "r", ...less }), of("2", { responseId: "r", ...more })];
  const read = await ledgerWith([first, second]);
  expect((await read(second))!.reports).toMatchObject([{ id: second.id }, { id: first.id, decided_by }]);
});

it("names the start of equal reports, and joins none of a crowd", async () => {
  const twins = [of("1", { otherIds: ["r"] }), of("2", { otherIds: ["r"] })];
  const read = await ledgerWith(twins);
  expect((await read(twins[1]!))!.reports).toMatchObject([{ decided_by: null }, { decided_by: "began_first" }]);

  const crowd = Array.from({ length: 17 }, (_, i) => of(String(i), { otherIds: ["r"] }));
  const readOne = await ledgerWith(crowd);
  expect((await readOne(crowd[3]!))!.reports).toMatchObject([{ id: crowd[3]!.id, counts: true, joined_by: [] }]);
});
