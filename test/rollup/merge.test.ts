import { type SQL, sql } from "drizzle-orm";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { expect, it, onTestFinished, vi } from "vitest";
import { type Bound, connect, type Database, DatabaseUnavailable } from "../../src/db/client.ts";
import { writeBatch } from "../../src/write/write-batch.ts";
import { audit } from "../../src/rollup/audit.ts";
import { callKey } from "../../src/ledger/key.ts";
import { constants } from "../../src/db/sql.ts";
import { LEVEL, LEVELS } from "../../src/ledger/levels.ts";
import { MOST_LABEL_VALUES, OTHER } from "../../src/rollup/families.ts";
import { compact } from "../../src/rollup/compact.ts";
import { merge, mergeStep } from "../../src/rollup/merge.ts";
import { startPacing } from "../../src/rollup/pace.ts";
import { latencyBinOf } from "../../src/rollup/latency.ts";
import { parseSummaryQuery } from "../../src/summary/query.ts";
import { summarize } from "../../src/summary/summarize.ts";
import { deleteTrace } from "../../src/traces/delete.ts";
import { DAY_MS } from "../../src/time.ts";
import { newProject } from "../ledger.ts";
import { ownDatabase } from "../own-database.ts";
import { priced, trace } from "../calls.ts";

/** What a database says in which one project has partial rows, and nothing is to be compacted. */
const ONE_PROJECT = {
  query: async () => [{ distributed: false }],
  run: async ({ text }: { text: string }) => {
    if (text.includes("found")) return [{ project_id: "project" }];
    return text.includes("string_agg") ? [{ places: null }] : [];
  },
};

/**
 * A database in which merging `n` rows takes `n` ms, is cut off past 8 s, and `rows` are waiting. It has requests to
 * answer in the first `busyMs`.
 */
function slowDatabase(rows: number, busyMs = Number.POSITIVE_INFINITY) {
  let nowMs = 0;
  const limits: number[] = [];
  const batch = async ([, { values }, ...more]: [
    unknown,
    { values: [projects: string, limit: number] },
    ...unknown[],
  ]) => {
    const [, limit] = values;
    limits.push(limit);
    nowMs += Math.min(limit, 8_000);
    if (limit > 8_000) throw new DatabaseUnavailable("cut off");
    const merged = Math.min(limit, rows);
    rows -= merged;
    return [[], [{ merged }], ...(more.length > 0 ? [[{ met: nowMs < busyMs }]] : [])];
  };
  return { db: { ...ONE_PROJECT, batch } as unknown as Database, now: () => nowMs, limits };
}

it("takes smaller steps where they are slow, and so ends", async () => {
  const { db, now, limits } = slowDatabase(30_000);
  expect(await merge(db, now, Number.POSITIVE_INFINITY)).toEqual({ merged: 30_000, drained: true, waiting: false });
  expect(Math.max(...limits.slice(1))).toBeLessThanOrEqual(8_000);
});

/** Notes the rooms that merging leaves from now on, in ms, and ends each at once. */
function noteRooms(): number[] {
  const rooms: number[] = [];
  vi.spyOn(globalThis, "setTimeout").mockImplementation((then, ms) => {
    rooms.push(ms!);
    then();
    return 0 as unknown as ReturnType<typeof setTimeout>;
  });
  onTestFinished(() => void vi.restoreAllMocks());
  return rooms;
}

it("takes short steps with as much room between them while requests are answered", async () => {
  const { db, now, limits } = slowDatabase(30_000);
  const rooms = noteRooms();
  expect(await merge(db, now, Number.POSITIVE_INFINITY, { leavesRoom: true, labelsWait: true })).toMatchObject({
    merged: 30_000,
  });
  expect(limits.slice(0, 7)).toEqual([4_000, 2_000, 1_000, 500, 250, 150, 150]);
  expect(rooms).toEqual(limits.slice(0, rooms.length));
  // One that is behind leaves no more room, and takes long steps.
  expect(limits.slice(rooms.length, rooms.length + 6)).toEqual([150, 300, 600, 1_200, 2_400, 3_000]);
  expect(rooms.reduce((sum, ms) => sum + ms, 0)).toBeLessThan(15_000);
});

it("leaves no room once the database has nothing else to do, and still takes short steps", async () => {
  const { db, now, limits } = slowDatabase(12_000, 7_000);
  const rooms = noteRooms();
  await merge(db, now, Number.POSITIVE_INFINITY, { leavesRoom: true, labelsWait: true });
  expect(rooms).toEqual([4_000, 2_000]);
  expect(limits.slice(2, 7)).toEqual([1_000, 500, 250, 150, 150]);
});

it("knows whether the database has others to answer", async () => {
  const { url } = await ownDatabase();
  let nowMs = 0;
  const pacingOf = (databaseUrl: string) => {
    const db = connect({ driver: "postgres", url: databaseUrl });
    // Each step takes 7 ms by this clock.
    return startPacing(db, () => (nowMs += 7), 1_000, true);
  };
  const owners = pacingOf(url);
  const leavesRoom = async (first = sql`select 0`, { db: watched, paced } = owners): Promise<boolean> => {
    const timeouts = vi.spyOn(globalThis, "setTimeout");
    const { result } = await paced(() => watched.batch([first, sql`select 1 as one`]));
    expect(result).toEqual([expect.anything(), [{ one: 1 }]]);
    const left = timeouts.mock.calls.some(([, ms]) => ms === 7);
    timeouts.mockRestore();
    return left;
  };
  const other = new pg.Client({ connectionString: url });
  await other.connect();
  onTestFinished(() => other.end());
  await other.query("select 1");
  expect(await leavesRoom()).toBe(false);
  await other.query("begin");
  expect(await leavesRoom()).toBe(true);
  await other.query("commit");
  expect(await leavesRoom()).toBe(false);
  // This role does not see that it is idle.
  const blind = new URL(url);
  blind.searchParams.set("options", "-c role=llm_cost_project");
  expect(await leavesRoom(undefined, pacingOf(blind.href.replaceAll("+", "%20")))).toBe(true);
  // It comes and goes within the step.
  const step = leavesRoom(sql`select pg_sleep(0.3)`);
  for (const ended = step.then(() => true); !(await Promise.race([ended, sleep(20)]));) await other.query("select 1");
  expect(await step).toBe(true);
});

it("stops in time, and says that something is left", async () => {
  const { db, now } = slowDatabase(1_000_000);
  expect(await merge(db, now, 20_000)).toMatchObject({ drained: false });
});

it("gives up when not even the smallest step succeeds", async () => {
  const batch = () => Promise.reject(new DatabaseUnavailable("down"));
  await expect(merge({ ...ONE_PROJECT, batch } as unknown as Database, () => 0, 1)).rejects.toThrow("down");
});

it("merges calls with as many labels as a call may have", async () => {
  const { db } = await ownDatabase();
  const project = await newProject(db);
  const startMs = Date.UTC(2025, 8, 1);
  const batch = Array.from({ length: 3_000 }, (_, i) => {
    const tags = Object.fromEntries(
      Array.from({ length: 10 }, (_, tag) => [`tag-${tag}`, `value-${(i * 7 + tag) % 997}`]),
    );
    return priced(trace({ clientId: `c${i}`, startedAtMs: startMs + i, userId: `user-${i}`, tags }));
  });
  await writeBatch(db, project, batch);
  for (let round = 0; round < 2; round++) await merge(db, Date.now, Number.POSITIVE_INFINITY);
  expect((await audit(db, project, startMs, startMs + 1)).mismatches).toEqual([]);
});

it("merges main rows into coarser sets too, and whoever would leave them out may not merge", async () => {
  const { db } = await ownDatabase();
  const project = await newProject(db);
  const startMs = Date.UTC(2025, 8, 3);
  const models = ["gpt-4o", "gpt-4o-mini", "gpt-5"];
  const batch = Array.from({ length: 60 }, (_, i) =>
    priced(
      trace({
        clientId: `c${i}`,
        startedAtMs: startMs + i,
        model: models[i % 3]!,
        application: `app-${i % 5}`,
        environment: `env-${i % 2}`,
      }),
    ),
  );
  for (const half of [batch.slice(0, 20), batch.slice(20)]) {
    await writeBatch(db, project, half);
    while (!(await merge(db, Date.now, Number.POSITIVE_INFINITY)).drained);
  }
  const rows = await db.query(sql`
    select label, count(*)::int as rows, count(distinct (application, environment, provider, model))::int as groups,
      sum(requests)::int as requests
    from rollup where project_id = ${project}::uuid and level in (${constants(LEVELS.hour)}) and label like '(%' group by 1 order by 1`);
  expect(rows).toEqual([
    { label: "(application)", rows: 5, groups: 5, requests: 60 },
    { label: "(environment,operation)", rows: 2, groups: 2, requests: 60 },
    { label: "(provider,model)", rows: 3, groups: 3, requests: 60 },
  ]);
  expect((await audit(db, project, startMs, startMs + 1)).mismatches).toEqual([]);
  // The audit sees a set that went astray.
  await db.query(sql`
    update rollup set input_tokens = input_tokens + 1
    where ctid = (select ctid from rollup where project_id = ${project}::uuid and level in (${constants(LEVELS.day)}) and label = '(application)' limit 1)`);
  expect((await audit(db, project, startMs, startMs + 1)).mismatches).toMatchObject([
    { day: "2025-09-01", level: "week", label: "(application)", measure: "input_tokens" },
    { day: "2025-09-03", level: "day", label: "(application)", measure: "input_tokens" },
  ]);
  // As Workers did that knew no weeks: their rows had no format.
  const older = db.query(sql`
    insert into rollup (project_id, bucket, level, label, value, application, environment, provider, model, operation, service_tier, requests)
    values (${project}::uuid, now(), ${LEVEL.hour}, '', '', '', '', '', '', '', '', 1)`);
  await expect(older).rejects.toThrow("rollup_merged_whole");
});

it("adds up weeks of main rows, from Monday on; compacted they are one row a group", async () => {
  const { db } = await ownDatabase();
  const project = await newProject(db);
  const mondayMs = Date.UTC(2025, 8, 8);
  const hours = [-1, 0, 30, 167, 168];
  for (const [i, hour] of hours.entries()) {
    const call = trace({ clientId: `c${i}`, startedAtMs: mondayMs + hour * 3_600_000, userId: "u", durationUs: 1_000 });
    await writeBatch(db, project, [priced(call)]);
    while (!(await merge(db, Date.now, Number.POSITIVE_INFINITY)).drained);
  }
  const rows = await db.query(sql`
    select level, label, to_char(bucket at time zone 'UTC', 'YYYY-MM-DD') as week, count(*)::int as rows, sum(requests)::int as requests
    from rollup where project_id = ${project}::uuid and level in (${constants(LEVELS.week)}) group by 1, 2, 3 order by 1, 2, 3`);
  const labels = ["", "(application)", "(environment,operation)", "(provider,model)"];
  expect(rows).toEqual(
    labels.flatMap((label) => [
      { level: LEVEL.week, label, week: "2025-09-01", rows: 1, requests: 1 },
      { level: LEVEL.week, label, week: "2025-09-08", rows: 1, requests: 3 },
      { level: LEVEL.week, label, week: "2025-09-15", rows: 1, requests: 1 },
    ]),
  );
  const ask = async (groupBy: string): Promise<unknown> => {
    const params = new URLSearchParams({
      from: "2025-09-01",
      to: "2025-09-22",
      group_by: groupBy,
      interval: "week",
      include: "latency",
    });
    const summary = await summarize(db, project, parseSummaryQuery(params, mondayMs), mondayMs);
    return summary.rows.map(({ bucket, requests, latency_ms }) => [bucket, requests, latency_ms?.p50]);
  };
  const weeks = [
    ["2025-09-01T00:00:00Z", 1, expect.closeTo(1, 1)],
    ["2025-09-08T00:00:00Z", 3, expect.closeTo(1, 1)],
    ["2025-09-15T00:00:00Z", 1, expect.closeTo(1, 1)],
  ];
  for (const groupBy of ["", "model", "application,model", "user"]) expect(await ask(groupBy)).toEqual(weeks);
  expect((await audit(db, project, mondayMs, mondayMs + 1)).mismatches).toEqual([]);
});

it("makes one row a group of a day and a week, too, if all hours are merged at once", async () => {
  const { db } = await ownDatabase();
  const project = await newProject(db);
  const startMs = Date.UTC(2025, 8, 11);
  const batch = Array.from({ length: 48 }, (_, i) =>
    priced(trace({ clientId: `c${i}`, startedAtMs: startMs + i * 3_600_000, userId: "u" })),
  );
  await writeBatch(db, project, batch);
  await merge(db, Date.now, Number.POSITIVE_INFINITY);
  const rows = await db.query(sql`
    select level, label, count(*)::int as rows from rollup
    where project_id = ${project}::uuid and label in ('', 'user') and level not in (${constants(LEVELS.hour)})
    group by 1, 2 order by 1, 2`);
  expect(rows).toEqual([
    { level: LEVEL.day, label: "", rows: 2 },
    { level: LEVEL.day, label: "user", rows: 2 },
    { level: LEVEL.week, label: "", rows: 1 },
  ]);
  expect((await audit(db, project, startMs, startMs + 2 * DAY_MS)).mismatches).toEqual([]);
});

it("compacts an hour's rows to one a group, a large label in parts, and leaves few rows beside many alone", async () => {
  const { db } = await ownDatabase();
  const project = await newProject(db);
  const startMs = Date.UTC(2025, 8, 4);
  const write = async (prefix: string, users: number, calls: number): Promise<void> => {
    const batch = Array.from({ length: calls }, (_, i) =>
      priced(
        trace({
          clientId: `${prefix}${i}`,
          startedAtMs: startMs + i,
          userId: `user-${i % users}`,
          durationUs: 1_000 * i,
        }),
      ),
    );
    await writeBatch(db, project, batch);
    while ((await mergeStep(db, 1_000)) > 0);
  };
  const rows = async (level: number): Promise<number> => {
    const [row] = await db.query(sql`
      select count(*)::int as rows from rollup where project_id = ${project}::uuid and level = ${level} and label = 'user'`);
    return Number(row!["rows"]);
  };
  await write("a", 700, 2_100);
  // Steps go by user, and the first of them makes compacted rows.
  expect(await rows(LEVEL.hour)).toBe(333);
  expect((await rows(LEVEL.hour)) + (await rows(LEVEL.freshHour))).toBeGreaterThan(700);
  // Each part of a slice compacts only its own values.
  const parts: number[] = [];
  const counting: Database = {
    ...db,
    async batch(queries) {
      const before = await rows(LEVEL.freshHour);
      const done = await db.batch(queries);
      parts.push(before - (await rows(LEVEL.freshHour)));
      return done;
    },
  };
  expect(await compact(counting, Date.now, Number.POSITIVE_INFINITY, { stepRows: 400 })).toBe(true);
  expect(parts.filter((taken) => taken > 0).length).toBeGreaterThan(1);
  expect([await rows(LEVEL.freshHour), await rows(LEVEL.hour)]).toEqual([0, 700]);
  expect([await rows(LEVEL.freshDay), await rows(LEVEL.day)]).toEqual([0, 700]);
  await write("b", 100, 100);
  await compact(db, Date.now, Number.POSITIVE_INFINITY);
  expect([await rows(LEVEL.freshHour), await rows(LEVEL.hour)]).toEqual([100, 700]);
  const { totals } = await summarize(
    db,
    project,
    parseSummaryQuery(
      new URLSearchParams({ from: String(startMs), to: String(startMs + 3_600_000), include: "latency" }),
      startMs,
    ),
    startMs,
  );
  expect(totals).toMatchObject({ requests: 2_200, latency_ms: { p50: expect.closeTo(1_000, -1.5) as number } });
  expect((await audit(db, project, startMs, startMs + 1)).mismatches).toEqual([]);
});

it("leaves a label's fresh rows alone while few of their groups are known, until the hour is over", async () => {
  const { db } = await ownDatabase();
  const project = await newProject(db);
  const startMs = Date.now();
  const merged = async (round: string, prefix: string): Promise<unknown> => {
    const batch = Array.from({ length: 600 }, (_, i) =>
      priced(trace({ clientId: `${round}${i}`, startedAtMs: startMs, userId: `${prefix}${i}` })),
    );
    await writeBatch(db, project, batch);
    expect(await merge(db, Date.now, Number.POSITIVE_INFINITY)).toMatchObject({ drained: true });
    const [row] = await db.query(sql`
      select count(*) filter (where level = ${LEVEL.hour})::int as compacted, count(*) filter (where level = ${LEVEL.freshHour})::int as fresh
      from rollup where project_id = ${project}::uuid and label = 'user'`);
    return row;
  };
  expect(await merged("first", "b")).toEqual({ compacted: 600, fresh: 0 });
  expect(await merged("second", "a")).toEqual({ compacted: 600, fresh: 600 });
  // Those of `a` are there twice now.
  expect(await merged("third", "a")).toEqual({ compacted: 1_200, fresh: 0 });
  expect((await audit(db, project, startMs, startMs + 1)).mismatches).toEqual([]);
});

it("adds calls with rare measures up apart from others, so that a group may have two rows", async () => {
  const { db } = await ownDatabase();
  const project = await newProject(db);
  const startMs = Date.UTC(2025, 8, 5);
  const usages = [{ webSearches: 1 }, {}, { webSearches: 2 }, {}];
  const batch = usages.map((usage, i) =>
    priced(trace({ clientId: `c${i}`, startedAtMs: startMs, userId: "u", ...usage })),
  );
  await writeBatch(db, project, batch);
  await merge(db, Date.now, Number.POSITIVE_INFINITY);
  const rows = await db.query(sql`
    select requests::int, web_searches::int from rollup
    where project_id = ${project}::uuid and label = 'user' and level in (${constants(LEVELS.hour)}) order by 2`);
  expect(rows).toEqual([
    { requests: 2, web_searches: 3 },
    { requests: 2, web_searches: null },
  ]);
  expect((await audit(db, project, startMs, startMs + 1)).mismatches).toEqual([]);
});

it("adds histograms of labels up by their bins, and takes off what deleted calls had", async () => {
  const { db } = await ownDatabase();
  const project = await newProject(db);
  const startMs = Date.UTC(2025, 8, 10);
  // Those of `many` are of more bins than are joined.
  const call = (userId: string, i: number) =>
    trace({ clientId: `${userId}${i}`, startedAtMs: startMs, userId, durationUs: Math.round(1_000 * 1.05 ** i) });
  const many = Array.from({ length: 100 }, (_, i) => call("many", i));
  const few = Array.from({ length: 4 }, (_, i) => call("few", i % 2 ? 0 : 50 + i));
  const write = async (calls: typeof many) => await writeBatch(db, project, calls.map(priced));
  const remove = async ({ id }: (typeof many)[number]) => expect(await deleteTrace(db, project, id)).toBe(true);
  const merged = async (): Promise<void> => {
    await merge(db, Date.now, Number.POSITIVE_INFINITY);
    const ofRollup = await db.query(sql`
      select value as user, bin, sum(calls)::int as calls
      from rollup t, unnest(latency_buckets, coalesce(latency_counts, array_fill(1, array[cardinality(latency_buckets)]))) as h (bin, calls)
      where project_id = ${project}::uuid and label = 'user' and level in (${constants(LEVELS.hour)})
      group by 1, 2 having sum(calls) <> 0 order by 1, 2`);
    const ofCalls = await db.query(sql`
      select user_id as user, ${latencyBinOf} as bin, count(*)::int as calls from traces t
      where project_id = ${project}::uuid group by 1, 2 order by 1, 2`);
    expect(ofRollup).toEqual(ofCalls);
  };
  await write([...many, ...few]);
  await remove(many[7]!);
  await remove(few[0]!);
  await merged();
  await remove(many[8]!);
  await write([call("few", 60), call("few", 61), call("many", 3.01)]);
  await remove(few[1]!);
  await merged();
});

it("adds up sums that no bigint has room for", async () => {
  const { db } = await ownDatabase();
  const project = await newProject(db);
  const startMs = Date.UTC(2025, 8, 7);
  const batch = Array.from({ length: 40 }, (_, i) =>
    priced(
      trace({
        clientId: `c${i}`,
        startedAtMs: startMs,
        userId: "u",
        model: "o1-pro",
        inputTokens: 2 ** 31 - 1,
        outputTokens: 0,
      }),
    ),
  );
  await writeBatch(db, project, batch);
  await merge(db, Date.now, Number.POSITIVE_INFINITY);
  const [row] = await db.query(sql`
    select cost_pico::text as cost from rollup
    where project_id = ${project}::uuid and label = 'user' and level in (${constants(LEVELS.hour)})`);
  // 40 x 2,147,483,647 x $150/MTok = $12,884,901.882, which is 12.9e18 pico-USD. 2^63 is 9.2e18.
  expect(row!["cost"]).toBe(String(40n * (2n ** 31n - 1n) * 150_000_000n));
  expect((await audit(db, project, startMs, startMs + 1)).mismatches).toEqual([]);
});

it("merges a project's labels at once if they are many, and lets others wait", async () => {
  const { db } = await ownDatabase();
  const many = await newProject(db);
  const few = await newProject(db);
  const startMs = Date.UTC(2025, 8, 6);
  for (const project of [many, few]) {
    const calls = ["a", "b"].map((user) => priced(trace({ clientId: user, startedAtMs: startMs, userId: user })));
    await writeBatch(db, project, calls);
  }
  const double = sql`
    insert into rollup select r.* from rollup r, generate_series(1, 9999)
    where project_id = ${many}::uuid and level = ${LEVEL.partial} and label = '*'`;
  const partials = async (): Promise<unknown> =>
    await db.query(sql`
      select project_id, label, count(*)::int as rows from rollup where level = ${LEVEL.partial} group by 1, 2`);
  const unspread = { project_id: few, label: "*", rows: 2 };
  await merge(db, Date.now, Number.POSITIVE_INFINITY, { labelsWait: true });
  expect(await partials()).toEqual(expect.arrayContaining([unspread, { ...unspread, project_id: many }]));
  await db.query(double);
  expect(await merge(db, Date.now, Number.POSITIVE_INFINITY, { labelsWait: true })).toEqual({
    merged: 20_000,
    drained: true,
    waiting: true,
  });
  expect(await partials()).toEqual([unspread]);
  expect(await merge(db, Date.now, Number.POSITIVE_INFINITY)).toEqual({ merged: 2, drained: true, waiting: false });
});

it("merges calls with the same dimensions together, however small the steps", async () => {
  const { db } = await ownDatabase();
  const project = await newProject(db);
  const startMs = Date.now();
  const batch = Array.from({ length: 600 }, (_, i) =>
    priced(
      trace({
        clientId: `c${i}`,
        startedAtMs: startMs,
        application: `app-${i % 60}`,
        tags: { team: `team-${Math.floor(i / 60) % 5}` },
      }),
    ),
  );
  await writeBatch(db, project, batch);
  const steps: number[] = [];
  const small: Database = {
    ...db,
    async batch(statements) {
      const [, step] = statements as readonly Bound[];
      const rows = String(step!.values).split("(").length - 1;
      if (rows > 100) throw new DatabaseUnavailable("cut off");
      if (rows > 0) steps.push(rows);
      return await db.batch(statements);
    },
  };
  expect(await merge(small, Date.now, Number.POSITIVE_INFINITY)).toMatchObject({ drained: true });
  expect(steps.length).toBeGreaterThan(6);
  const [row] = await db.query(sql`
    select count(*)::int as rows, sum(requests)::int as requests from rollup
    where project_id = ${project}::uuid and label = 'tag.team' and level in (${constants(LEVELS.hour)})`);
  expect(row!["requests"]).toBe(600);
  // 300 groups, and five more wherever a step ends among calls of one application.
  expect(row!["rows"]).toBeLessThanOrEqual(300 + 5 * steps.length);
  expect((await audit(db, project, startMs, startMs + 1)).mismatches).toEqual([]);
});

it("leaves alone what stands where an unspread row was looked up", async () => {
  const { db } = await ownDatabase();
  const project = await newProject(db);
  const startMs = Date.now();
  const calls = ["a", "b"].map((user) => priced(trace({ clientId: user, startedAtMs: startMs, userId: user })));
  await writeBatch(db, project, calls);
  const elsewhere: Database = {
    ...db,
    async run(statement, values) {
      const found = await db.run(statement, values);
      // As if all were merged, and their places taken by others.
      if (found[0]?.["places"] !== undefined) {
        await merge(db, Date.now, Number.POSITIVE_INFINITY);
        const [row] = await db.query(sql`select string_agg(ctid::text, ' ') as places from rollup`);
        return [row!];
      }
      return found;
    },
  };
  expect(await merge(elsewhere, Date.now, Number.POSITIVE_INFINITY)).toMatchObject({ merged: 0, drained: true });
  expect((await audit(db, project, startMs, startMs + 1)).mismatches).toEqual([]);
});

it("keeps at most so many values of a label a day; later ones go into (other), and the audit stays at 0", async () => {
  const { db, url } = await ownDatabase();
  const project = await newProject(db);
  const startMs = Date.UTC(2025, 8, 2);
  const write = async (from: number, to: number, prefix: string): Promise<void> => {
    const batch = Array.from({ length: to - from }, (_, i) =>
      priced(trace({ clientId: `${prefix}${from + i}`, startedAtMs: startMs + i, userId: `user-${from + i}` })),
    );
    await writeBatch(db, project, batch);
    while (!(await merge(db, Date.now, Number.POSITIVE_INFINITY)).drained);
  };
  // While another transaction still sees all that merging and compacting delete, what looks values up passes by it.
  const onlooker = new pg.Client(url);
  onTestFinished(() => onlooker.end());
  await onlooker.connect();
  await onlooker.query("begin isolation level repeatable read");
  await onlooker.query("select 1");
  const requests = async (condition: SQL): Promise<unknown> => {
    const [row] = await db.query(sql`
      select coalesce(sum(requests), 0)::int as requests from rollup
      where project_id = ${project}::uuid and label = 'user' and level in (${constants(LEVELS.day)}) and ${condition}`);
    return row!["requests"];
  };
  await write(0, MOST_LABEL_VALUES - 1, "a");
  await write(MOST_LABEL_VALUES - 1, MOST_LABEL_VALUES, "b");
  expect(await requests(sql`value = ${OTHER}`)).toBe(0);
  // Ten users that the day knows, and a hundred that it does not.
  await write(MOST_LABEL_VALUES - 10, MOST_LABEL_VALUES + 100, "c");
  expect(await requests(sql`value = ${OTHER}`)).toBe(100);
  expect(await requests(sql`value = ${`user-${MOST_LABEL_VALUES - 10}`}`)).toBe(2);
  expect(await requests(sql`true`)).toBe(MOST_LABEL_VALUES + 110);
  expect((await audit(db, project, startMs, startMs + 1)).mismatches).toEqual([]);
  // What a folded call is taken off is where it was folded to.
  await deleteTrace(db, project, callKey(startMs + 10, `c${MOST_LABEL_VALUES}`));
  while (!(await merge(db, Date.now, Number.POSITIVE_INFINITY)).drained);
  expect(await requests(sql`value = ${OTHER}`)).toBe(99);
});
