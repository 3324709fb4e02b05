/** Erasing a user: nothing names the user afterwards, and every sum is what the calls that are left add up to. */
import { sql } from "drizzle-orm";
import { randomUUID } from "node:crypto";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import type { Database } from "../../src/db/client.ts";
import type { Point } from "../../src/coverage/point.ts";
import { storePoints } from "../../src/coverage/store.ts";
import type { Link } from "../../src/ledger/call.ts";
import { callKey } from "../../src/ledger/key.ts";
import { keepDeadLetters, replayDeadLetters } from "../../src/queue/dead-letters.ts";
import { packMessages } from "../../src/queue/message.ts";
import { audit } from "../../src/rollup/audit.ts";
import { merge, mergeStep } from "../../src/rollup/merge.ts";
import { parseSummaryQuery } from "../../src/summary/query.ts";
import { summarize } from "../../src/summary/summarize.ts";
import { settlingAgain } from "../../src/write/settle.ts";
import { createGroupCommit } from "../../src/write/group-commit.ts";
import type { RecordDeps } from "../../src/write/record.ts";
import { writeBatch } from "../../src/write/write-batch.ts";
import { priced, trace } from "../calls.ts";
import { newProject } from "../ledger.ts";
import { ownDatabase, retainAt } from "../own-database.ts";
import { erase, eraseDeps, NO_REDIS, placesOf } from "./erased.ts";

const DAY = 86_400_000;
const START = Date.UTC(2026, 2, 10, 9);
const NOW = Date.UTC(2026, 2, 20, 7, 30);
const RANGE = `from=${START - 5 * DAY}&to=${START + 5 * DAY}`;
/** Another one in each test, with what JSON, URLs and LIKE patterns escape. */
let ADA: string;
/** The part of it that no encoding changes. */
let TRAIL: string;
beforeEach(() => {
  TRAIL = randomUUID();
  ADA = `ada"\\%_/ünïcode ${TRAIL}`;
});

const { db, url } = await ownDatabase(undefined, afterAll);

async function ask(db: Database, project: string, question: string) {
  const params = new URLSearchParams(`${RANGE}&${question}`);
  return await summarize(db, project, parseSummaryQuery(params, NOW), NOW);
}

const sumsBy = async (db: Database, project: string, label: string) =>
  Object.fromEntries(
    (await ask(db, project, `group_by=${label}`)).rows.map((row) => [String(row[label]), row["requests"]]),
  );

const span = (spanId: string, parentId: string | null = null) => ({ traceId: "t".repeat(32), spanId, parentId });

const link = (spanId: string, changes: Partial<Link>): Link => ({
  ...span(spanId),
  startedAtMs: START,
  wrapper: false,
  userId: null,
  sessionId: null,
  tags: {},
  ofInterest: true,
  ...changes,
});

/** Calls of two users in every form that names one: plain, tagged, in a session, below a link, a wrapper, twins. */
async function written(db: Database): Promise<string> {
  const project = await newProject(db);
  const at = (i: number) => ({ clientId: `c${i}`, startedAtMs: START + i * 3_600_000 });
  const calls = [
    trace({ ...at(0), userId: ADA, sessionId: "hers", tags: { team: "red", owner: ADA }, durationUs: 5_000 }),
    trace({ ...at(1), userId: "bob", sessionId: "his", tags: { team: "red", owner: ADA } }),
    trace({ ...at(2), userId: "bob", sessionId: ADA }),
    trace({ ...at(3), userId: null, tags: { owner: ADA } }),
    trace({ ...at(4), userId: ADA, tags: Object.fromEntries([..."abcdefghijklm"].map((key) => [key, ADA])) }),
    trace({ ...at(5), userId: "bob", tags: { team: "red" } }),
    // Her report of a response tells more than his, so it counts until it is removed.
    trace({ ...at(6), userId: ADA, responseId: "resp-12345", cacheReadTokens: 10 }),
    trace({
      ...at(6),
      clientId: "twin",
      startedAtMs: START + 6 * 3_600_000 + 5,
      userId: "bob",
      responseId: "resp-12345",
    }),
    // Both take over the user of the link above them.
    trace({ ...at(7), ...span("below", "link"), startedAtMs: START + 1 }),
    trace({ ...at(8), ...span("agent", "link"), startedAtMs: START + 1, wrapper: true, billable: false }),
  ];
  await writeBatch(db, project, calls.map(priced), { links: [link("link", { userId: ADA, sessionId: "hers" })] });
  return project;
}

const body = (project: string) =>
  packMessages(project, {
    calls: [
      priced(trace({ clientId: "dead", startedAtMs: START, userId: ADA, tags: { owner: ADA } })),
      priced(trace({ clientId: "alive", startedAtMs: START, userId: "bob", sessionId: ADA, tags: { team: "red" } })),
    ],
    links: [link("dead", { userId: ADA })],
  }).messages[0]!;

describe.each(["anonymise", "remove"] as const)("to %s a user", (mode) => {
  it.each(["before", "after"])("leaves nothing that names the user, %s merging, and every sum right", async (when) => {
    const project = await written(db);
    const other = await written(db);
    await keepDeadLetters(db, [{ id: "letter", body: body(project) }]);
    const clock = { ms: NOW };
    const deps = eraseDeps(db, NO_REDIS, clock);
    if (when === "after") await merge(db, () => 0, 1);
    const before = await ask(db, project, "");
    expect(before.totals).toMatchObject({ requests: 8 });
    expect(await placesOf(url, TRAIL)).toEqual(
      [
        "public.dead_letters.body",
        "public.rollup.tags",
        "public.rollup.user_id",
        "public.rollup.value",
        "public.spans.user_id",
        "public.traces.session_id",
        "public.traces.tags",
        "public.traces.user_id",
      ].filter((place) => when === "before" || !/rollup.(tags|user_id)/.test(place)),
    );

    const job = await erase(deps, clock, project, ADA, mode, async () => {
      // The second pass would repair what the first one left wrong.
      expect(await audit(db, project, START - DAY, START + DAY)).toMatchObject({ ok: true, mismatches: [] });
    });
    expect(job).toMatchObject({ status: "done", mode, calls: 8, links: 1, dead_letters: 1, error: null });
    expect(JSON.stringify(job)).not.toContain(TRAIL);

    expect(await audit(db, project, START - DAY, START + DAY)).toMatchObject({ ok: true, mismatches: [] });
    // Removed: two of hers, and what inherited the user. His twin counts now.
    if (mode === "anonymise") expect((await ask(db, project, "")).totals).toEqual(before.totals);
    else expect((await ask(db, project, "")).totals).toMatchObject({ requests: 5 });
    const unlabelled = mode === "anonymise" ? 5 : 1;
    expect(await sumsBy(db, project, "user")).toEqual({ bob: mode === "anonymise" ? 3 : 4, null: unlabelled });
    expect(await sumsBy(db, project, "tag.team")).toMatchObject({ red: mode === "anonymise" ? 3 : 2 });
    expect(await sumsBy(db, project, "tag.owner")).toEqual({ null: mode === "anonymise" ? 8 : 5 });

    // The same user of another project stays.
    expect(await sumsBy(db, other, "user")).toMatchObject({ [ADA]: 4, bob: 3 });
    await db.query(sql`delete from traces where project_id = ${other}::uuid`);
    await db.query(sql`delete from spans where project_id = ${other}::uuid`);
    await db.query(sql`delete from rollup where project_id = ${other}::uuid`);
    expect(await placesOf(url, TRAIL)).toEqual([]);

    // The letter holds what is left of it.
    const replayed = await replayDeadLetters({ ...deps, ...recording(db) }, () => {});
    expect(replayed).toMatchObject({ replayed: 1, remaining: 0 });
    expect(await placesOf(url, TRAIL)).toEqual([]);
    const requests = mode === "anonymise" ? 10 : 6;
    expect((await ask(db, project, "")).totals).toMatchObject({ requests });
    expect(await audit(db, project, START - DAY, START + DAY)).toMatchObject({ ok: true });
  });
});

function recording(db: Database): Pick<RecordDeps, "groupCommit" | "merger"> {
  const groupCommit = createGroupCommit((id, { calls, links }) => writeBatch(db, id, calls, { links }));
  return { groupCommit, merger: { added() {} } };
}

it.each(["anonymise", "remove"] as const)("takes the user's sessions off agents' own counters, to %s", async (mode) => {
  const project = await newProject(db);
  const calls = [
    trace({ clientId: "a", startedAtMs: START, userId: ADA, sessionId: "hers" }),
    trace({ clientId: "b", startedAtMs: START, userId: "bob", sessionId: "his" }),
  ];
  const links = [link("l", { userId: ADA, sessionId: "of a span" })];
  await writeBatch(db, project, calls.map(priced), { links });
  const sessions = ["hers", "his", "of a span", ADA, null];
  const points = sessions.map((session, i): Point => {
    const [startNs, timeNs] = [BigInt(START) * 1_000_000n, BigInt(START + 1) * 1_000_000n];
    const counter = {
      emitter: "claude-code",
      application: "claude-code",
      measures: ["input"],
      cumulative: false,
    } as const;
    const instance = session === null ? ADA : `machine ${i}`;
    return { ...counter, series: String(i), session, instance, startNs, timeNs, amount: BigInt(10 ** i) };
  });
  await storePoints(db, project, points);
  const counters = async () =>
    await db.query(sql`
      select amounts[1]::text as amount, session is not null as of_session, instance is not null as of_machine
      from reported_usage where project_id = ${project}::uuid order by amounts[1]`);
  const kept = (of: boolean, machine = of) => ({ of_session: of, of_machine: machine });
  expect(await counters()).toMatchObject([kept(true), kept(true), kept(true), kept(true), kept(false, true)]);

  const clock = { ms: NOW };
  expect(await erase(eraseDeps(db, NO_REDIS, clock), clock, project, ADA, mode)).toMatchObject({ status: "done" });
  expect(await counters()).toEqual(
    [kept(false), kept(true), kept(false), kept(false), kept(false)].map((of, i) => ({
      amount: String(10 ** i),
      ...of,
    })),
  );
});

it("finds what a write stored that had read the user before", async () => {
  const project = await written(db);
  const clock = { ms: NOW };
  const deps = eraseDeps(db, NO_REDIS, clock);
  // It settles the trace by what it has read, after the first pass.
  const settling = await settlingAgain(db, project, [{ traceId: "t".repeat(32), startedAtMs: START }], 300);
  const job = await erase(deps, clock, project, ADA, "anonymise", async () => {
    expect(await placesOf(url, TRAIL)).toEqual(["public.erasures.user_id"]);
    await db.batch(settling);
    expect(await placesOf(url, TRAIL)).toEqual(["public.erasures.user_id", "public.traces.user_id"]);
  });
  expect(job).toMatchObject({ status: "done", calls: 9, links: 1 });
  expect(await placesOf(url, TRAIL)).toEqual([]);
  expect(await audit(db, project, START - DAY, START + DAY)).toMatchObject({ ok: true });
});

it("takes what rollups wrongly hold of the user off, too", async () => {
  const project = await written(db);
  await merge(db, () => 0, 1);
  // Rows that no call stands for.
  await db.query(sql`
    insert into rollup select * from rollup where project_id = ${project}::uuid and label = 'user' and value = ${ADA}`);
  const clock = { ms: NOW };
  expect(await erase(eraseDeps(db, NO_REDIS, clock), clock, project, ADA, "anonymise")).toMatchObject({
    status: "done",
  });
  expect(await placesOf(url, TRAIL)).toEqual([]);
  expect(await audit(db, project, START - DAY, START + DAY)).toMatchObject({ ok: true });
});

it("keeps every total where calls are no longer kept", async () => {
  const { db, url } = await ownDatabase();
  const project = await newProject(db);
  // Bounds: calls from 3 February, hours from 19 January (see the tests of retention).
  const days = [Date.UTC(2025, 11, 5), Date.UTC(2026, 1, 1, 12), Date.UTC(2026, 1, 3, 1), Date.UTC(2026, 2, 10)];
  const calls = days.flatMap((startedAtMs, i) =>
    [ADA, "bob"].map((userId) =>
      trace({ clientId: `${ADA === userId}${i}`, startedAtMs, userId, tags: { owner: userId, team: "red" } }),
    ),
  );
  await writeBatch(db, project, calls.map(priced));
  while ((await mergeStep(db, 1_000)) === 1_000);
  while (!(await retainAt(db, NOW, { rawRetentionDays: 40, hourRetentionDays: 60 })));
  const whole = `from=${Date.UTC(2025, 11, 1)}&to=${Date.UTC(2026, 2, 15)}`;
  const all = async (question: string) =>
    await summarize(db, project, parseSummaryQuery(new URLSearchParams(`${whole}&${question}`), NOW), NOW);
  const before = (await all("interval=day&group_by=model")).rows;
  expect((await all("")).totals).toMatchObject({ requests: 8 });

  const clock = { ms: NOW };
  const job = await erase(eraseDeps(db, NO_REDIS, clock), clock, project, ADA, "anonymise");
  // One is gone; one is before the bound, but its partition is still there.
  expect(job).toMatchObject({ status: "done", calls: 3 });
  expect((await all("interval=day&group_by=model")).rows).toEqual(before);
  const users = (await all("group_by=user")).rows.map((row) => [row["user"], row["requests"]]);
  expect(users).toEqual([
    ["bob", 4],
    [null, 4],
  ]);
  expect((await all("group_by=tag.team")).rows).toMatchObject([{ "tag.team": "red", requests: 8 }]);
  expect(await placesOf(url, TRAIL)).toEqual([]);
  expect(await audit(db, project, Date.UTC(2026, 1, 3), NOW)).toMatchObject({ ok: true });

  // To remove calls takes off the sums what can still be told apart: the calls after the bound.
  expect(await erase(eraseDeps(db, NO_REDIS, clock), clock, project, "bob", "remove")).toMatchObject({ calls: 3 });
  expect((await all("")).totals).toMatchObject({ requests: 6 });
  expect((await all("group_by=user")).rows.map((row) => [row["user"], row["requests"]])).toEqual([[null, 6]]);
  expect(await audit(db, project, Date.UTC(2026, 1, 3), NOW)).toMatchObject({ ok: true });
});

it("keeps a user who goes on calling, and counts the new calls", async () => {
  const project = await written(db);
  const clock = { ms: NOW };
  await erase(eraseDeps(db, NO_REDIS, clock), clock, project, ADA, "remove");
  const again = trace({ clientId: "c0", startedAtMs: START, userId: ADA });
  expect(await writeBatch(db, project, [priced(again)])).toMatchObject({ outcomes: ["inserted"] });
  expect(again.id).toBe(callKey(START, "c0"));
  expect(await sumsBy(db, project, "user")).toMatchObject({ [ADA]: 1 });
  expect(await audit(db, project, START - DAY, START + DAY)).toMatchObject({ ok: true });
});

it.each(["anonymise", "remove"] as const)("%ss what a call has of the user by another report of it", async (mode) => {
  const { db } = await ownDatabase();
  const project = await newProject(db);
  const report = { responseId: "resp-1", startedAtMs: START };
  const calls = [
    trace({ ...report, clientId: "file", cacheReadTokens: 10, tags: { team: "red" } }),
    trace({ ...report, clientId: "log", userId: ADA, sessionId: "hers", requestModel: "gpt", tags: { owner: ADA } }),
    trace({ ...report, clientId: "gateway", tags: { feature: "chat" } }),
  ];
  await writeBatch(db, project, calls.map(priced));
  const file = async () =>
    (
      await db.query(sql`
        select t.user_id, t.session_id, t.tags, (select array_agg(key order by key) from jsonb_object_keys(t.filled) as f (key)) as filled
        from traces t where t.project_id = ${project}::uuid and t.client_id = 'file'`)
    )[0];
  const hers = { user_id: ADA, session_id: "hers", tags: { team: "red", owner: ADA, feature: "chat" } };
  expect(await file()).toEqual({
    ...hers,
    filled: ["request_model", "session_id", "tags.feature", "tags.owner", "user_id"],
  });
  const clock = { ms: NOW };
  expect(await erase(eraseDeps(db, NO_REDIS, clock), clock, project, ADA, mode)).toMatchObject({ status: "done" });
  // The call itself did not name her, so it stays. What the removed report told goes with it.
  const told = mode === "remove" ? ["tags.feature"] : ["request_model", "tags.feature"];
  expect(await file()).toEqual({
    user_id: null,
    session_id: null,
    tags: { team: "red", feature: "chat" },
    filled: told,
  });
  expect(await sumsBy(db, project, "user")).toEqual({ null: 1 });
  expect((await audit(db, project, START, START + DAY)).mismatches).toEqual([]);
});
