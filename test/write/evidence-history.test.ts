/**
 * Reports that lack some ids, from several machines and files: what shares an id, or evidence, is one call; what shares
 * nothing counts apart, and is listed as a suspect where it looks like the same. In any order, split, and sent again.
 */
import fc from "fast-check";
import { afterAll, expect, inject, it } from "vitest";
import { forProject } from "../../src/db/wall.ts";
import { evidenceOf } from "../../src/ingest/decode/evidence.ts";
import type { Call } from "../../src/ledger/call.ts";
import { listDoubles } from "../../src/traces/doubles.ts";
import { writeBatch } from "../../src/write/write-batch.ts";
import { priced } from "../calls.ts";
import { newProject } from "../ledger.ts";
import { ownDatabase } from "../own-database.ts";
import { decided } from "./decided.ts";
import { alone, counted, orderOf, START_MS } from "./histories.ts";

const { db } = await ownDatabase(inject("driver"), afterAll);
const RANGE = { fromMs: START_MS - 3_600_000, toMs: START_MS + 24 * 3_600_000 };
const MINUTE_MS = 60_000;

/** What a report of call `n` says of itself. Each may be told later than the call, or by a clock that is wrong. */
const KINDS: Readonly<Record<string, (n: number, lateMs: number) => Partial<Call>>> = {
  log: (n, lateMs) => ({ responseId: `req_${n}`, otherIds: evidence(n, lateMs) }),
  span: (n) => ({ responseId: `req_${n}` }),
  "twin log": (n, lateMs) => ({ otherIds: evidence(n, lateMs) }),
  file: (n, lateMs) => ({ responseId: `msg_${n}`, otherIds: evidence(n, lateMs) }),
  gateway: (n) => ({ responseId: `msg_${n}`, sessionId: null }),
  // The history that a fork repeats under its own session, with the ids that it had.
  fork: (n) => ({ responseId: `req_${n}`, sessionId: "a fork" }),
  // And without: nothing tells whether it is another call.
  "bare fork": () => ({ sessionId: "another fork" }),
  // A stream that was cut, and asked for again.
  attempt: (n, lateMs) => ({ responseId: `req_${n}_again`, otherIds: evidence(n, lateMs, 7), outputTokens: 7 }),
};

const evidence = (n: number, lateMs: number, output = 100): string[] =>
  evidenceOf("agent", "a session", [1_000 + n, null, output], START_MS + n * 5 * MINUTE_MS + lateMs + 2_000);

const report = fc
  .record({
    kind: fc.constantFrom(...Object.keys(KINDS)),
    n: fc.integer({ min: 0, max: 2 }),
    lateMs: fc.constantFrom(0, 0, 4_000, 7_000, 9_000, 3 * MINUTE_MS, -2 * MINUTE_MS),
    machine: fc.constantFrom("one", "two"),
  })
  .map(({ kind, n, lateMs, machine }): Call => {
    const changes = { responseId: null, sessionId: "a session", inputTokens: 1_000 + n, ...KINDS[kind]!(n, lateMs) };
    const name = `${n} ${kind} ${machine} ${lateMs}`;
    return (alone(name, n * 5 * MINUTE_MS + lateMs, changes) as { call: Call }).call;
  });
const reports = fc.uniqueArray(report, { minLength: 2, maxLength: 9, selector: ({ clientId }) => clientId });

/** How many calls they are of: reports that share an id are of one, and so are those that a third one joins. */
function callsOf(all: readonly Call[]): number {
  const groups: Set<string>[] = [];
  for (const { id, responseId, otherIds } of all) {
    const own = new Set([id, ...otherIds, ...(responseId === null ? [] : [responseId])]);
    const joined = groups.filter((group) => [...group].some((one) => own.has(one)));
    for (const group of joined) {
      group.forEach((one) => own.add(one));
      groups.splice(groups.indexOf(group), 1);
    }
    groups.push(own);
  }
  return groups.length;
}

function areSuspects(a: Call, b: Call): boolean {
  const alike = ["sessionId", "model", "inputTokens", "outputTokens"] as const;
  const prefix = ({ responseId }: Call): string | null => responseId?.slice(0, 4) ?? null;
  const isNear = Math.abs(a.startedAtMs - b.startedAtMs) <= 10_000;
  // Without a session they would be compared by their user, and these have none.
  if (a.sessionId === null || !isNear || alike.some((name) => a[name] !== b[name])) return false;
  return prefix(a) === null || prefix(a) !== prefix(b);
}

async function ledgerOf(bodies: readonly (readonly Call[])[]) {
  const project = await newProject(db);
  for (const body of bodies) await writeBatch(db, project, body.map(priced));
  const rows = await decided(db, project);
  const { doubles } = await listDoubles(forProject(db, project), project, {
    ...RANGE,
    verdict: null,
    limit: 100,
    cursor: null,
  });
  return { rows, doubles: doubles.map(({ id }) => id) };
}

it("joins reports by ids and by evidence, and lists what looks alike and shares neither", async () => {
  await fc.assert(
    fc.asyncProperty(
      reports.chain((all) => fc.tuple(fc.constant(all), orderOf([...all, ...all]))),
      async ([all, bodies]) => {
        const whole = await ledgerOf([all]);
        const names = new Set(counted(whole.rows));
        const counting = all.filter(({ clientId }) => names.has(clientId)).sort((a, b) => (a.id < b.id ? -1 : 1));
        expect(names.size).toBe(callsOf(all));
        const suspects = counting.flatMap((a, i) =>
          counting.slice(i + 1).flatMap((b) => (areSuspects(a, b) ? [`${a.id}.${b.id}`] : [])),
        );
        expect(whole.doubles).toEqual(suspects.sort());
        expect(await ledgerOf(bodies)).toEqual(whole);
      },
    ),
    { numRuns: 20 },
  );
});
