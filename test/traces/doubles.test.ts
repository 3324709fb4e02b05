/** Suspects are listed until somebody says what they are; what is said corrects the sums, once. */
import { sql } from "drizzle-orm";
import fc from "fast-check";
import { expect, it } from "vitest";
import { forProject } from "../../src/db/wall.ts";
import type { Call } from "../../src/ledger/call.ts";
import { audit } from "../../src/rollup/audit.ts";
import { HOUR_MS } from "../../src/time.ts";
import { decideDouble } from "../../src/traces/decide-double.ts";
import { deleteTrace } from "../../src/traces/delete.ts";
import { parseDoubleId, type Verdict } from "../../src/traces/double.ts";
import { listDoubles } from "../../src/traces/doubles.ts";
import { readCall } from "../../src/traces/read.ts";
import { writeBatch } from "../../src/write/write-batch.ts";
import { priced, trace } from "../calls.ts";
import { database, newProject } from "../ledger.ts";

const db = database();
const START_MS = Date.UTC(2025, 8, 1, 12);
const RANGE = { fromMs: START_MS - HOUR_MS, toMs: START_MS + 24 * HOUR_MS };
const GRACE_SECONDS = 300;
const ACTOR = { name: "key-1", requestId: "request-1" };

const of = (clientId: string, atMs: number, changes: Partial<Call> = {}): Call =>
  trace({ startedAtMs: START_MS + atMs, clientId, sessionId: "s", ...changes });

async function ledgerWith(calls: readonly Call[]) {
  const project = await newProject(db);
  const own = forProject(db, project);
  await writeBatch(db, project, calls.map(priced));
  const names = new Map(calls.map(({ id, clientId }) => [id, clientId]));
  const nameOf = (id: string) => names.get(id)!;
  const list = async (limit = 100, verdict: Verdict | null = null) => {
    const pairs: string[] = [];
    let cursor: string | null = null;
    do {
      const page: Awaited<ReturnType<typeof listDoubles>> = await listDoubles(own, project, {
        ...RANGE,
        verdict,
        limit,
        cursor,
      });
      expect(page.doubles.length).toBeLessThanOrEqual(limit);
      for (const { id, calls } of page.doubles) {
        expect(id).toBe(calls.map(({ id }) => id).join("."));
        pairs.push(calls.map(({ id }) => nameOf(id)).join("+"));
      }
      cursor = page.next_cursor;
    } while (cursor !== null);
    return pairs;
  };
  const say = async (one: Call, other: Call, verdict: Verdict) => {
    const counted = await decideDouble(own, project, [one.id, other.id], verdict, GRACE_SECONDS, ACTOR);
    return typeof counted === "string" ? counted : counted.map(nameOf);
  };
  const counted = async () => {
    expect((await audit(db, project, RANGE.fromMs, RANGE.toMs)).mismatches).toEqual([]);
    const rows = await db.query(sql`
      select client_id from traces where project_id = ${project}::uuid and billable order by client_id`);
    return rows.map((row) => row["client_id"]);
  };
  const logged = async () =>
    Number(
      (
        await db.query(sql`
        select count(*)::int as entries from admin_log
        where project_id = ${project}::uuid and action = 'double.decided'`)
      )[0]!["entries"],
    );
  const shown = async (verdict: Verdict | null = null) =>
    (await listDoubles(own, project, { ...RANGE, verdict, limit: 100, cursor: null })).doubles;
  return { project, list, shown, say, counted, logged };
}

it("lists calls of one session with the same model and tokens, within ten seconds", async () => {
  const { list } = await ledgerWith([
    of("a", 0),
    of("b", 10_000),
    of("far", 20_001),
    of("session", 1, { sessionId: "t" }),
    of("model", 2, { model: "gpt-4o-mini" }),
    of("tokens", 3, { outputTokens: 101 }),
    of("failed", 4, { status: "error" }),
    of("nobody's", 5, { sessionId: null }),
    of("nobody's too", 6, { sessionId: null }),
    of("ada's", 7, { sessionId: null, userId: "ada" }),
    of("ada's too", 8, { sessionId: null, userId: "ada" }),
    of("nothing", 9, { inputTokens: 0, outputTokens: 0, sessionId: "n" }),
    of("nothing too", 10, { inputTokens: 0, outputTokens: 0, sessionId: "n" }),
  ]);
  expect(await list()).toEqual(["a+b", "ada's+ada's too"]);
});

it("lists no pair whose ids join it, or are of two responses of one provider", async () => {
  const { list } = await ledgerWith([
    of("1", 0, { sessionId: "joined", responseId: "msg_1" }),
    of("2", 1, { sessionId: "joined", otherIds: ["msg_1"] }),
    of("3", 0, { sessionId: "two answers", responseId: "msg_3" }),
    of("4", 1, { sessionId: "two answers", responseId: "msg_4" }),
    of("5", 0, { sessionId: "two kinds of id", responseId: "req_5" }),
    of("6", 1, { sessionId: "two kinds of id", responseId: "msg_5" }),
  ]);
  expect(await list()).toEqual(["5+6"]);
});

it("lists each pair once, whatever the size of a page", async () => {
  const { list } = await ledgerWith(Array.from({ length: 6 }, (_, i) => of(String(i), i * 1_000)));
  const all = await list();
  expect(all).toEqual(["0+1", "0+2", "0+3", "1+2", "1+3", "1+4", "2+3", "2+4", "2+5", "3+4", "3+5", "4+5"].toSorted());
  for (const limit of [1, 2, 5]) expect(await list(limit)).toEqual(all);
});

it("lets one count if they are the same, both if they are different, and takes the later verdict", async () => {
  const [a, b] = [of("a", 0, { cacheReadTokens: 5 }), of("b", 1_000)];
  const { project, list, say, counted, logged } = await ledgerWith([a, b]);

  expect(await say(b, a, "same")).toEqual(["a"]);
  expect(await counted()).toEqual(["a"]);
  expect([await list(), await list(100, "same"), await list(100, "different")]).toEqual([[], ["a+b"], []]);
  expect((await readCall(db, project, b.id))!.counted_as).toBe(a.id);
  expect((await readCall(db, project, a.id))!.reports).toMatchObject([
    { id: a.id, joined_by: [`double:${a.id}:${b.id}`] },
    { id: b.id, counts: false, decided_by: "priced_counts" },
  ]);
  expect(await say(a, b, "same")).toEqual(["a"]);
  expect(await logged()).toBe(1);

  expect(await say(a, b, "different")).toEqual(["a", "b"]);
  expect(await counted()).toEqual(["a", "b"]);
  expect([await list(), await list(100, "same"), await list(100, "different")]).toEqual([[], [], ["a+b"]]);
  expect(await say(a, b, "different")).toEqual(["a", "b"]);
  expect(await logged()).toBe(2);

  expect(await say(a, b, "same")).toEqual(["a"]);
  await deleteTrace(db, project, a.id);
  expect(await counted()).toEqual(["b"]);
});

it("says why a pair is listed, what counts twice, and what was said of it", async () => {
  const near = { inputTokens: 1_000, outputTokens: 100 };
  const [a, b] = [of("a", 0, near), of("b", 1_000, { ...near, cacheReadTokens: 100 })];
  const [traced, far] = [{ sessionId: null, traceId: "t" }, of("far", 60_000, { model: "gpt-4o" })];
  const { shown, say } = await ledgerWith([a, b, of("c", 5_000, traced), of("d", 5_001, traced), far]);
  const [first, second] = await shown();
  // b has 100 of its tokens at half the price of input, so it costs less than a.
  expect(first).toMatchObject({
    id: `${a.id}.${b.id}`,
    calls: [
      { id: a.id, model: a.model, input_tokens: 1_000, session_id: "s", counts: true },
      { id: b.id, counts: true },
    ],
    reason: "same_session",
    verdict: null,
    decided_at: null,
  });
  expect(first!.cost_usd).toBe(first!.calls[1]!.cost_usd);
  expect(Number(first!.cost_usd)).toBeLessThan(Number(first!.calls[0]!.cost_usd));
  expect(second!.reason).toBe("same_trace");

  await say(a, far, "same");
  expect(await shown("same")).toMatchObject([
    { id: `${a.id}.${far.id}`, reason: "named", verdict: "same", decided_at: expect.any(String) },
  ]);
});

it("lists each decided pair once, whatever the size of a page", async () => {
  const calls = Array.from({ length: 5 }, (_, i) => of(String(i), i * 1_000));
  const { list, say } = await ledgerWith(calls);
  for (const [i, one] of calls.entries()) for (const other of calls.slice(i + 1)) await say(one, other, "different");
  const all = await list(100, "different");
  expect(all).toHaveLength(10);
  for (const limit of [1, 3]) expect(await list(limit, "different")).toEqual(all);
});

it("has one id for a pair, whichever call is named first", () => {
  const [a, b] = [of("a", 0).id, of("b", 1).id];
  expect([parseDoubleId(`${b}.${a}`), parseDoubleId(`${a}.${b.toUpperCase()}`)]).toEqual([
    [a, b],
    [a, b],
  ]);
  for (const wrong of ["", a, `${a}.`, `${a}.${a}`, `${a}.${b}.${b}`, `${a}:${b}`])
    expect(parseDoubleId(wrong)).toBeNull();
});

it("joins what is said with what the ids say, and parts only what was said", async () => {
  const log = of("log", 0, { responseId: "req_1" });
  const span = of("span", 1, { responseId: "req_1" });
  const gateway = of("gateway", 2, { responseId: "msg_1", cacheReadTokens: 5 });
  const { say, counted } = await ledgerWith([log, span, gateway]);
  expect(await counted()).toEqual(["gateway", "log"]);
  await say(span, gateway, "same");
  expect(await counted()).toEqual(["gateway"]);
  await say(span, gateway, "different");
  expect(await counted()).toEqual(["gateway", "log"]);
});

it("gives one ledger for any order of calls and verdicts", async () => {
  const calls = [of("a", 0, { responseId: "r" }), of("b", 1, { responseId: "q" }), of("c", 2, { responseId: "q" })];
  const [a, b] = calls as [Call, Call];
  await fc.assert(
    fc.asyncProperty(fc.array(fc.constantFrom("same", "different"), { maxLength: 4 }), async (verdicts) => {
      const { say, counted } = await ledgerWith(calls);
      for (const verdict of verdicts) await say(a, b, verdict);
      expect(await counted()).toEqual(verdicts.at(-1) === "same" ? ["a"] : ["a", "b"]);
    }),
    { numRuns: 12 },
  );
});

it("takes no verdict on what cannot be one call", async () => {
  const hit = of("hit", 2, { billable: false, rule: "litellm cache_hit" });
  const [a, late] = [of("a", 0), of("late", HOUR_MS + 1)];
  const { say, counted } = await ledgerWith([a, late, hit]);
  expect(await say(a, hit, "same")).toBe("cache hit");
  expect(await say(a, late, "same")).toBe("too far apart");
  expect(await say(a, of("unknown", 0), "same")).toBe("unknown");
  expect(await counted()).toEqual(["a", "late"]);
});
