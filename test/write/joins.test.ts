/** Reports of one call are one call, whichever ids join them, in any order, and as if a deleted one had never come. */
import { sql } from "drizzle-orm";
import fc from "fast-check";
import { afterAll, expect, inject, it } from "vitest";
import { forProject } from "../../src/db/wall.ts";
import { type Call, NO_USAGE } from "../../src/ledger/call.ts";
import { repairNoted } from "../../src/rollup/repair-noted.ts";
import { HOUR_MS } from "../../src/time.ts";
import { decideDouble } from "../../src/traces/decide-double.ts";
import type { Verdict } from "../../src/traces/double.ts";
import { fillDay } from "../../src/write/fill-day.ts";
import { writeBatch } from "../../src/write/write-batch.ts";
import { priced } from "../calls.ts";
import { redis } from "../ledger.ts";
import { ownDatabase } from "../own-database.ts";
import * as histories from "./histories.ts";
import { alone, counted, everyOrder, MINUTE_MS, orderOf, type Sent, sentTo } from "./histories.ts";
import { toldOf } from "./told.ts";

const { db } = await ownDatabase(inject("driver"), afterAll);

const ledgerOf = async (bodies: readonly (readonly Sent[])[], deleted: readonly Sent[] = []) =>
  await histories.ledgerOf(db, bodies, deleted);

it("counts reports once that share an id in pairs, and apart again without the one that joined them", async () => {
  const log = alone("log", 0, { responseId: "req_1" });
  const gateway = alone("gateway", 1_000, { responseId: "msg_1" });
  const file = alone("file", 2_000, { responseId: "req_1", otherIds: ["msg_1"] });
  const other = alone("other", 3_000, { responseId: "req_2" });
  for (const bodies of everyOrder([log, gateway, file]))
    expect(counted(await ledgerOf([...bodies, [other]]))).toEqual(["log", "other"]);
  for (const bodies of everyOrder([log, gateway, file]))
    expect(counted(await ledgerOf(bodies, [file]))).toEqual(["gateway", "log"]);
});

it("joins by a call only what is of its time, although the same ids are used again later", async () => {
  const later = 9 * HOUR_MS;
  const sent = [
    alone("a", 0, { responseId: "a" }),
    alone("b", 1, { responseId: "b" }),
    alone("joins", 2, { responseId: "a", otherIds: ["b"] }),
    alone("a, later", later, { responseId: "a" }),
    alone("b, later", later + 1, { responseId: "b" }),
  ];
  await fc.assert(
    fc.asyncProperty(orderOf(sent), async (bodies) => {
      expect(counted(await ledgerOf(bodies))).toEqual(["a", "a, later", "b, later"]);
    }),
    { numRuns: 12 },
  );
});

it("prefers among equal counts cache writes by age, then the report that knows the user and the session", async () => {
  const cached = { cacheWriteTokens: 10 };
  const plain = alone("1 plain", 0, cached);
  const owned = alone("2 owned", 1, { ...cached, userId: "ada", sessionId: "s" });
  const byAge = alone("3 by age", 2, { ...cached, cacheWrite5mTokens: 10 });
  for (const bodies of everyOrder([plain, owned])) expect(counted(await ledgerOf(bodies))).toEqual(["2 owned"]);
  for (const bodies of everyOrder([plain, owned, byAge])) expect(counted(await ledgerOf(bodies))).toEqual(["3 by age"]);
});

it("takes a user that the report inherits from a span above it, whichever comes first", async () => {
  const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
  const spanId = "00000000000000aa";
  const plain = alone("1 plain", 0);
  const span = alone("2 span", 1, { traceId, spanId, parentId: "00000000000000ab" });
  const context = { userId: "ada", sessionId: null, tags: {} };
  const of = { parentId: null, startedAtMs: histories.START_MS, wrapper: false, ofInterest: true };
  const above: Sent = { link: { traceId, spanId: "00000000000000ab", ...of, ...context } };
  for (const bodies of everyOrder([plain, span, above])) expect(counted(await ledgerOf(bodies))).toEqual(["2 span"]);
});

it("counts an id of a crowd no longer, but what joins its calls in pairs still does", async () => {
  // 17 calls name one session as an id; each has a second report under an id of its own.
  const pairs = Array.from({ length: 17 }, (_, i) => [
    alone(`${String(i).padStart(2, "0")} first`, i * 1_000, { responseId: `r${i}`, otherIds: ["shared"] }),
    alone(`${String(i).padStart(2, "0")} second`, i * 1_000 + 1, { responseId: `r${i}` }),
  ]).flat();
  const first = Array.from({ length: 17 }, (_, i) => `${String(i).padStart(2, "0")} first`);
  await fc.assert(
    fc.asyncProperty(orderOf(pairs), async (bodies) => {
      expect(counted(await ledgerOf(bodies))).toEqual(first);
    }),
    { numRuns: 8 },
  );
});

/** Few ids, so that they often join, within a day. */
const reports = fc
  .array(
    fc.record({
      minutes: fc.oneof(fc.constantFrom(0, 1, 59, 60, 61, 120), fc.integer({ min: 0, max: 600 })),
      response: fc.constantFrom("req_1", "req_2", "msg_1", null),
      others: fc.subarray(["req_1", "req_2", "req_3", "msg_1", "msg_2"], { maxLength: 3 }),
      outputs: fc.constantFrom(100, 100, 200),
      user: fc.constantFrom(null, "ada"),
    }),
    { minLength: 2, maxLength: 8 },
  )
  .map((items) =>
    items.map(({ minutes, response, others, outputs, user }, i) =>
      alone(String(i), minutes * MINUTE_MS, {
        responseId: response,
        otherIds: others,
        outputTokens: outputs,
        userId: user,
      }),
    ),
  );

it("gives one ledger for any reports, split, shuffled, sent again, and some of them deleted", async () => {
  await fc.assert(
    fc.asyncProperty(
      reports.chain((all) => fc.tuple(fc.constant(all), orderOf([...all, ...all.slice(0, 3)]), fc.subarray(all))),
      async ([all, bodies, gone]) => {
        const kept = all.filter((sent) => !gone.includes(sent));
        expect(await ledgerOf(bodies, gone)).toEqual(await ledgerOf([kept]));
      },
    ),
    { numRuns: 30 },
  );
});

/** One call as its four routes tell it: only the file knows the ids of all others. */
function routesOf(n: number): Sent[] {
  const at = n * 20_000;
  const [request, message, client] = [`req_${n}`, `msg_${n}`, `client-${n}`];
  const tokens = { ...NO_USAGE, inputTokens: 5_000 + n, outputTokens: 300, cacheReadTokens: 2_000 };
  const call = { ...tokens, provider: "anthropic", model: "claude-sonnet-4-5" };
  const split = { cacheWriteTokens: 1_000, cacheWrite5mTokens: 400, cacheWrite1hTokens: 600 };
  const place = { traceId: "4bf92f3577b34da6a3ce929d0e0e4736", spanId: n.toString(16).padStart(16, "0") };
  const owner = { userId: "ada", sessionId: "session-1" };
  return [
    alone(`${n} log`, at, { ...call, ...split, ...owner, responseId: request, otherIds: [client] }),
    alone(`${n} span`, at + 40, { ...call, ...place, cacheWriteTokens: 1_000, responseId: request }),
    alone(`${n} file`, at + 900, { ...call, ...split, responseId: message, otherIds: [request] }),
    alone(`${n} gateway`, at + 25, { ...call, cacheWriteTokens: 1_000, responseId: message }),
  ];
}

const LOGS = ["1 log", "2 log", "3 log"];

it("gives one total, to the last digit, for a session by four routes in all 24 orders", async () => {
  const calls = [1, 2, 3].map(routesOf);
  const routes = [0, 1, 2, 3].map((route) => calls.map((call) => call[route]!));
  const whole = await ledgerOf([calls.flat()]);
  expect(counted(whole)).toEqual(LOGS);
  let orders = 0;
  for (const bodies of everyOrder(routes)) {
    if (bodies.length !== routes.length) continue;
    orders++;
    expect(await ledgerOf(bodies.map((body) => body.flat()))).toEqual(whole);
  }
  expect(orders).toBe(24);
});

it("gives that total for any mix of them, split, shuffled, repeated, and after deletions", async () => {
  const all = [1, 2, 3].flatMap(routesOf);
  await fc.assert(
    fc.asyncProperty(
      fc.subarray(all, { minLength: 1 }).chain((mix) => fc.tuple(orderOf([...mix, ...mix]), fc.subarray(mix))),
      async ([bodies, gone]) => {
        const mix = new Set(bodies.flat());
        const kept = [...mix].filter((sent) => !gone.includes(sent));
        expect(await ledgerOf(bodies)).toEqual(await ledgerOf([[...mix]]));
        expect(await ledgerOf(bodies, gone)).toEqual(await ledgerOf([kept]));
      },
    ),
    { numRuns: 12 },
  );
});

const USERS = ["ada", "bob"];
const SESSIONS = ["s1", "s2"];
const TAGS = { team: ["red", "blue"], branch: ["main"], skill: ["pdf"] };

const told = async (bodies: readonly (readonly Sent[])[], deleted: readonly Sent[] = [], merged = false) =>
  await toldOf(db, await sentTo(db, bodies, deleted), USERS, SESSIONS, TAGS, merged);

/** Reports of few calls, each of which knows another part of whose the call is. */
const owned = fc
  .array(
    fc.record({
      at: fc.integer({ min: 0, max: 3 }),
      response: fc.constantFrom("req_1", "req_2"),
      others: fc.subarray(["msg_1"]),
      outputs: fc.constantFrom(100, 100, 200),
      user: fc.constantFrom(null, null, ...USERS),
      session: fc.constantFrom(null, ...SESSIONS),
      covered: fc.constantFrom<Call["coveredBy"]>("api", "plan", "unknown", "unknown"),
      asked: fc.constantFrom(null, "gpt-4o", "gpt-latest"),
      tags: fc.record(
        { team: fc.constantFrom(...TAGS.team), branch: fc.constant("main"), skill: fc.constant("pdf") },
        { requiredKeys: [] },
      ),
    }),
    { minLength: 2, maxLength: 5 },
  )
  .map((items) =>
    items.map(({ at, response, others, outputs, user, session, covered, asked, tags }, i) =>
      alone(String(i), at, {
        responseId: response,
        otherIds: others,
        outputTokens: outputs,
        userId: user,
        sessionId: session,
        requestModel: asked,
        coveredBy: covered,
        tags,
      }),
    ),
  );

it("sums and lists a call by what any of its reports knows, in all orders, and without the deleted ones", async () => {
  await fc.assert(
    fc.asyncProperty(
      owned.chain((all) =>
        fc.tuple(fc.constant(all), orderOf([...all, ...all.slice(0, 2)]), fc.subarray(all), fc.boolean()),
      ),
      async ([all, bodies, gone, merged]) => {
        const kept = all.filter((sent) => !gone.includes(sent));
        expect(await told(bodies, [], merged)).toEqual(await told([all]));
        expect(await told(bodies, gone)).toEqual(await told([kept], [], merged));
      },
    ),
    { numRuns: 10 },
  );
});

it("takes what the report that counts lacks from the best of the others that knows it", async () => {
  const best = alone("1 best", 0, { outputTokens: 900, tags: { team: "red" } });
  const second = alone("2 second", 1, { outputTokens: 800, sessionId: "s1", tags: { team: "blue", branch: "main" } });
  const third = alone("3 third", 2, { outputTokens: 700, sessionId: "s2", userId: "ada", tags: { skill: "pdf" } });
  for (const bodies of everyOrder([best, second, third])) {
    const { summaries, lists } = (await told(bodies)) as { summaries: [string, number][][]; lists: string[][] };
    // By user, team, branch and skill; then the totals.
    expect(summaries.map((rows) => rows.map(([value, requests]) => [value, requests]))).toEqual(
      ["ada", "red", "main", "pdf"].map((value) => [
        [value, 1],
        [undefined, 1],
      ]),
    );
    expect(lists).toEqual([["1 best"], [], ["1 best"], [], ["1 best"], [], ["1 best"], ["1 best"]]);
  }
});

it("knows what pays for a call if any of its reports does, the best of these first", async () => {
  const best = alone("1 best", 0, { outputTokens: 900, coveredBy: "unknown" });
  const second = alone("2 second", 1, { outputTokens: 800, coveredBy: "plan" });
  const third = alone("3 third", 2, { outputTokens: 700, coveredBy: "api" });
  const cost = "0.0115";
  for (const bodies of everyOrder([best, second, third])) {
    const { covered, plans } = (await told(bodies)) as { covered: unknown[][]; plans: string[] };
    expect([covered, plans]).toEqual([
      [
        ["plan", 1, cost, cost],
        [undefined, 1, cost, cost],
      ],
      ["1 best"],
    ]);
  }
  const { covered } = (await told([[best], [second], [third]], [second])) as { covered: unknown[][] };
  expect(covered[0]).toEqual(["api", 1, cost, "0"]);
  const bare = (await told([[best], [second], [third]], [second, third])) as { covered: unknown[][] };
  expect(bare.covered[0]).toEqual(["unknown", 1, cost, "0"]);
});

it("knows of each only what it said itself, once two that were said to be the same are different", async () => {
  const first = alone("1 first", 0, { responseId: null, userId: "ada", sessionId: "s1", tags: { team: "red" } });
  const second = alone("2 second", 1, { responseId: null, requestModel: "gpt-4o", tags: { branch: "main" } });
  const tell = async (verdicts: Verdict[], bodies: Sent[][]) => {
    const project = await sentTo(db, bodies);
    const ids = [first, second].map((sent) => ("call" in sent ? sent.call.id : "")) as [string, string];
    for (const verdict of verdicts) await decideDouble(forProject(db, project), project, ids, verdict, 300);
    return await toldOf(db, project, USERS, SESSIONS, TAGS);
  };
  const apart = await tell([], [[first, second]]);
  expect(await tell(["same", "different"], [[first], [second]])).toEqual(apart);
  expect(await tell(["same", "different", "same"], [[second, first]])).toEqual(await tell(["same"], [[first, second]]));
  const { lists } = (await tell(["same"], [[first, second]])) as { lists: string[][] };
  expect(lists).toEqual([["1 first"], [], ["1 first"], [], ["1 first"], [], ["1 first"], []]);
});

it("prefers by what a report knows itself, and not by what was filled in before", async () => {
  const user = alone("1 user", 0, { userId: "ada" });
  const session = alone("2 session", 1, { sessionId: "s1" });
  const both = alone("3 both", 2, { userId: "bob", sessionId: "s2" });
  for (const bodies of everyOrder([user, session, both])) expect(counted(await ledgerOf(bodies))).toEqual(["3 both"]);
});

it("passes nothing that was filled in on to spans below, and forgets it with the report that told it", async () => {
  const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
  const place = { traceId, spanId: "00000000000000aa", outputTokens: 900 };
  const span = alone("1 span", 0, place);
  const below = { traceId, spanId: "00000000000000ab", parentId: place.spanId, responseId: "resp_2" };
  const child = alone("2 child", 1, below);
  const log = alone("3 log", 2, { userId: "ada", tags: { team: "red" } });
  const whole = await ledgerOf([[span, child, log]]);
  expect(whole).toMatchObject([{ user_id: "ada" }, { user_id: null, tags: null }, { user_id: "ada", billable: false }]);
  for (const bodies of everyOrder([span, child, log])) {
    expect(await ledgerOf(bodies)).toEqual(whole);
    expect(await ledgerOf(bodies, [log])).toEqual(await ledgerOf([[span, child]]));
  }
});

it("takes nothing from a crowd, and no longer what a chain gave that has become one", async () => {
  const crowd = Array.from({ length: 17 }, (_, i) =>
    alone(String(i).padStart(2, "0"), i, i === 0 ? { outputTokens: 900 } : i === 16 ? { userId: "ada" } : {}),
  );
  const [last, ...first] = crowd.toReversed();
  const project = await sentTo(db, [[last!, ...first.slice(1)]]);
  const usersOf = async () =>
    (
      await db.query(sql`
    select user_id from traces where project_id = ${project}::uuid and billable order by id`)
    ).map((row) => row["user_id"]);
  expect(await usersOf()).toEqual(["ada"]);
  await writeBatch(db, project, [priced((first[0] as { call: Call }).call)]);
  expect(await usersOf()).toEqual([...Array.from({ length: 16 }, () => null), "ada"]);
});

it("gives no call more tags than a caller may send, and always the same ones", async () => {
  const tagged = (name: string, atMs: number, from: number, outputTokens: number) =>
    alone(name, atMs, {
      outputTokens,
      tags: Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`tag_${100 + from + i}`, name])),
    });
  const sent = [tagged("1 first", 0, 0, 900), tagged("2 second", 1, 35, 800), tagged("3 third", 2, 20, 700)];
  for (const bodies of everyOrder(sent)) {
    const [{ tags }] = (await ledgerOf(bodies)) as [{ tags: Record<string, string> }];
    const of = (name: string) => Object.keys(tags).filter((key) => tags[key] === name);
    expect([of("1 first").length, of("2 second").toSorted(), of("3 third")]).toEqual([
      40,
      Array.from({ length: 10 }, (_, i) => `tag_${140 + i}`),
      [],
    ]);
  }
});

it("finds no conflict in a report that is sent again after another one filled in what it lacks", async () => {
  const [bare, rich] = [
    alone("1 bare", 0),
    alone("2 rich", 1, { userId: "ada", tags: { team: "red" }, outputTokens: 90 }),
  ];
  const project = await sentTo(db, [[bare], [rich]]);
  const again = async (changes: Partial<Call>) =>
    (await writeBatch(db, project, [priced({ ...(bare as { call: Call }).call, ...changes })])).outcomes;
  expect(await again({})).toEqual(["duplicate"]);
  expect(await again({ userId: "ada" })).toEqual(["conflict"]);
});

it("fills in what an older version left, when it repairs the day", async () => {
  const { db: own } = await ownDatabase();
  const bare = alone("1 bare", 0, { outputTokens: 900 });
  const others = [
    alone("2 rich", 1, { userId: "ada", tags: { team: "red" } }),
    alone("3 other", 2, { responseId: "x" }),
  ];
  const project = await sentTo(own, [[bare], others]);
  const told = await toldOf(own, project, USERS, SESSIONS, TAGS);
  await own.query(sql`
    update traces set user_id = null, tags = null, filled = null where project_id = ${project}::uuid and client_id = '1 bare'`);
  await own.query(sql`delete from rollup where project_id = ${project}::uuid and label = '*'`);
  expect(await toldOf(own, project, USERS, SESSIONS, TAGS)).not.toEqual(told);
  await own.query(sql`
    insert into days_to_repair (project_id, day) values (${project}::uuid, ${new Date(histories.START_MS).toISOString().slice(0, 10)}::date)`);
  const deps = { db: own, redis: redis(), mergeSignal: { raise() {} }, now: () => histories.START_MS };
  expect(await repairNoted(deps, Infinity, () => undefined, fillDay)).toBe(true);
  expect(await toldOf(own, project, USERS, SESSIONS, TAGS)).toEqual(told);
  expect(await fillDay(own, project, Date.UTC(2025, 8, 1))).toBe(false);
});
