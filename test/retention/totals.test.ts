/**
 * Neither retention changes a total: every whole-day summary is the same before and after, by every group and label.
 */
import { sql } from "drizzle-orm";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Database, Expired } from "../../src/db/client.ts";
import { explain } from "../../src/explain/explain.ts";
import { parseExplainQuery } from "../../src/explain/query.ts";
import { exportLines } from "../../src/export/lines.ts";
import { parseExportQuery } from "../../src/export/query.ts";
import { writeBatch } from "../../src/write/write-batch.ts";
import { createPricer } from "../../src/pricing/cost.ts";
import { customPrices } from "../../src/pricing/custom-price.ts";
import { repriceStep } from "../../src/reprice/step.ts";
import { audit } from "../../src/rollup/audit.ts";
import { mergeStep } from "../../src/rollup/merge.ts";
import { constants } from "../../src/db/sql.ts";
import { FRESHNESS, LEVEL, LEVELS } from "../../src/ledger/levels.ts";
import { parseSummaryQuery } from "../../src/summary/query.ts";
import { summarize } from "../../src/summary/summarize.ts";
import { INTERVALS } from "../../src/summary/zone.ts";
import { newProject } from "../ledger.ts";
import { price, units } from "../pricing/custom.ts";
import { priced, trace, traces } from "../calls.ts";
import { type Days, oldestPartition, ownDatabase, retainAt } from "../own-database.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const NOW = Date.UTC(2026, 2, 20, 7, 30);
/** 40 and 60 days before, 2 days more, the start of that month, 2 days later; and the start of the day. */
const RAW_SINCE = Date.UTC(2026, 1, 3);
const HOUR_SINCE = Date.UTC(2026, 0, 19);
const DAYS = { rawRetentionDays: 40, hourRetentionDays: 60 };
const FROM = Date.UTC(2025, 10, 1);
const TO = Date.UTC(2026, 3, 1);

const GROUPS = [
  "",
  "application",
  "environment,operation",
  "provider,model",
  "application,model",
  "application,environment,provider,model,operation",
  "user",
  "tag.team",
  "tag.feature,model",
];
/** Only hours need rows that are removed. */
const WHOLE_DAYS = INTERVALS.filter((interval) => interval !== "hour");
const QUESTIONS = GROUPS.flatMap((groups) =>
  WHOLE_DAYS.map((interval) => `group_by=${groups}&interval=${interval}`),
).flatMap((question) => [`${question}&include=latency,buckets,rates`, `${question}&user=ada`]);

async function ask(db: Database, project: string, question: string, fromMs = FROM, toMs = TO) {
  const params = new URLSearchParams(`from=${fromMs}&to=${toMs}&${question}`);
  const { as_of: _, ...rest } = await summarize(db, project, parseSummaryQuery(params, NOW), NOW);
  return rest;
}

function askAll(db: Database, project: string, fromMs = FROM, toMs = TO) {
  const questions = QUESTIONS.filter((question) => !/group_by=tag.*user=/.test(question));
  return Promise.all(questions.map((question) => ask(db, project, question, fromMs, toMs)));
}

/** Rows of hours, days and weeks, fresh and settled, under the settled level. */
async function levels(db: Database): Promise<Record<string, number>> {
  const rows = await db.query(sql`
    select case when level in (${constants([LEVEL.freshHour, LEVEL.freshDay, LEVEL.freshWeek])}) then level - ${FRESHNESS} else level end as level,
      count(*)::int as rows from rollup group by 1`);
  return Object.fromEntries(rows.map(({ level, rows }) => [String(level), Number(rows)]));
}

const merged = async (db: Database): Promise<void> => {
  while ((await mergeStep(db, 1_000)) === 1_000);
};

describe("retention", () => {
  it("leaves the summaries of whole days as they are, for any history", async () => {
    const { db, url } = await ownDatabase();
    const starts = [Date.UTC(2025, 11, 30), Date.UTC(2026, 0, 17, 12), Date.UTC(2026, 1, 1, 6), Date.UTC(2026, 2, 18)];
    const histories = fc.sample(
      fc.tuple(...starts.map((startMs) => fc.array(traces(startMs), { minLength: 10, maxLength: 30 }))),
      { numRuns: 6, seed: 4 },
    );
    const projects: string[] = [];
    for (const [i, history] of histories.entries()) {
      const project = await newProject(db);
      projects.push(project);
      for (const some of history) await writeBatch(db, project, some.map(priced));
      // Some of all are merged, some are left as partial rows.
      if (i % 2 === 0) await mergeStep(db, 150);
    }
    const before = await Promise.all(projects.map((project) => askAll(db, project)));
    expect(before.every(([first]) => first!.totals.requests > 20)).toBe(true);

    expect(await retainAt(db, NOW, DAYS)).toBe(true);
    expect(await oldestPartition(url)).toBe("traces_2026_02");
    expect(await Promise.all(projects.map((project) => askAll(db, project)))).toEqual(before);

    await merged(db);
    expect(await Promise.all(projects.map((project) => askAll(db, project)))).toEqual(before);
    // A day later what merging made of old partial rows is removed, too.
    expect(await retainAt(db, NOW + DAY, DAYS)).toBe(true);
    const [hours] = await db.query(sql`
      select min(bucket) as first, count(*)::int as rows from rollup where level in (${constants(LEVELS.hour)})`);
    expect((hours!["first"] as Date).getTime()).toBeGreaterThanOrEqual(HOUR_SINCE + DAY);
    expect(hours!["rows"]).toBeGreaterThan(0);
    for (const [i, project] of projects.entries()) {
      expect(await askAll(db, project)).toEqual(before[i]);
      expect((await audit(db, project, RAW_SINCE, TO)).mismatches).toEqual([]);
    }
  }, 120_000);

  it("gives the same by hours and ragged edges from the bounds on, and by the hour's start before", async () => {
    const { db } = await ownDatabase();
    const project = await newProject(db);
    const [some, kept] = [
      fc.sample(traces(Date.UTC(2026, 0, 25)), { numRuns: 80, seed: 1 }),
      fc.sample(traces(RAW_SINCE), { numRuns: 80, seed: 2 }),
    ];
    await writeBatch(db, project, [...some, ...kept].map(priced));
    await merged(db);
    const ragged = [RAW_SINCE + 12_345, RAW_SINCE + 2 * DAY + 54_321] as const;
    const hourly = [HOUR_SINCE, TO] as const;
    const before = await askAll(db, project, ...ragged);
    const byHour = await ask(db, project, "interval=hour&group_by=model", ...hourly);
    const kolkata = await ask(db, project, "interval=day&tz=Asia/Kolkata");
    await retainAt(db, NOW, DAYS);
    expect(await askAll(db, project, ...ragged)).toEqual(before);
    expect(await ask(db, project, "interval=hour&group_by=model", ...hourly)).toEqual(byHour);

    // 00:00 in Kolkata is 18:30 in UTC: days begin at 18:00 now, and add up all the same.
    const from = Date.UTC(2026, 0, 24, 18, 30);
    const to = RAW_SINCE + 5 * DAY;
    const days = await ask(db, project, "interval=day&tz=Asia/Kolkata", from, to);
    expect(days.approximate).toBe(true);
    expect(days.totals).toEqual(kolkata.totals);
    const atHours = await ask(db, project, "interval=day", from - HOUR / 2, from - HOUR / 2 + DAY);
    expect(days.rows[0]).toMatchObject({ bucket: "2026-01-25T00:00:00+05:30", requests: atHours.totals.requests });
    expect(days.rows.filter(({ bucket }) => new Date(String(bucket)).getTime() >= RAW_SINCE)).toEqual(
      kolkata.rows.filter(({ bucket }) => new Date(String(bucket)).getTime() >= RAW_SINCE),
    );

    // Ranges that meet within an hour still do.
    const middle = Date.UTC(2026, 0, 26, 11, 17);
    const [left, right] = [await ask(db, project, "", from, middle), await ask(db, project, "", middle, to)];
    expect(left.approximate).toBe(true);
    expect(left.totals.requests + right.totals.requests).toBe(days.totals.requests);
    // Nothing is known of a part of an hour.
    await expect(ask(db, project, "", middle, middle + 1_000)).rejects.toMatchObject({
      what: "raw",
      sinceMs: RAW_SINCE,
    });
  });

  it("refuses what needs hours or calls of before, and says since when they are kept", async () => {
    const { db } = await ownDatabase();
    const project = await newProject(db);
    const startedAtMs = Date.UTC(2026, 0, 10, 5);
    // Three calls in one group, one of them without a price.
    const calls = ["a", "b"].map((clientId) => trace({ clientId, startedAtMs }));
    const unpriced = trace({ clientId: "c", startedAtMs, inputTokens: null, outputTokens: null });
    await writeBatch(db, project, [...calls, unpriced].map(priced));
    await retainAt(db, NOW, DAYS);
    const hours = { what: "hours", sinceMs: HOUR_SINCE };
    const raw = { what: "raw", sinceMs: RAW_SINCE };
    const day = startedAtMs - 5 * HOUR;
    const exported = async (params: string): Promise<string> => {
      let text = "";
      const asked = parseExportQuery(new URLSearchParams(`from=${day}&to=${day + DAY}&${params}`), project, NOW);
      for await (const chunk of exportLines(db, project, asked)) text += chunk;
      return text;
    };
    const explained = (params: string) =>
      explain(db, project, parseExplainQuery(new URLSearchParams(params), NOW), NOW);

    expect((await ask(db, project, "", day, day + DAY)).totals).toMatchObject({ requests: 3, cost_usd: "0.007" });
    await expect(ask(db, project, "interval=hour", day, day + DAY)).rejects.toMatchObject(hours);
    await expect(ask(db, project, "interval=day&tz=Europe/Berlin", day, day + DAY)).rejects.toMatchObject(hours);
    await expect(ask(db, project, "group_by=user", day + HOUR, day + DAY)).rejects.toMatchObject(hours);
    await expect(ask(db, project, "", HOUR_SINCE - HOUR, TO)).rejects.toMatchObject(hours);
    await expect(ask(db, project, `compare_from=${day + 1}&compare_to=${day + DAY}`)).rejects.toMatchObject(hours);
    expect((await ask(db, project, "", HOUR_SINCE + HOUR, TO)).totals.requests).toBe(0);

    expect(await exported("type=summary&interval=day")).toContain('"requests":3');
    await expect(exported("type=summary&interval=hour")).rejects.toMatchObject(hours);
    await expect(exported("type=summary&interval=day&tz=Asia/Kolkata")).rejects.toThrow(Expired);
    await expect(exported("type=traces")).rejects.toMatchObject(raw);
    // Which tokens the unpriced one had, only itself could tell.
    await expect(exported("type=summary&format=focus")).rejects.toMatchObject(raw);
    expect(await exported("type=summary&format=focus&model=gpt-4o-mini")).toMatch(/^BilledCost/);

    expect((await explained(`from=${day}&to=${day + DAY}`)).after.requests).toBe(3);
    await expect(explained(`from=${day + HOUR}&to=${day + DAY}`)).rejects.toMatchObject(hours);
    await expect(
      explained(`from=${HOUR_SINCE + 1}&to=${TO}&compare_from=${day}&compare_to=${day + DAY}`),
    ).rejects.toThrow(Expired);
    await expect(audit(db, project, RAW_SINCE - 1, TO)).rejects.toMatchObject(raw);
    expect(await audit(db, project, RAW_SINCE, TO)).toMatchObject({ ok: true });
  });

  it("does not show what changes in hours that are gone as all of them", async () => {
    const { db } = await ownDatabase();
    const project = await newProject(db);
    const startedAtMs = Date.UTC(2026, 0, 10, 5);
    await writeBatch(db, project, [priced(trace({ clientId: "a", startedAtMs }))]);
    await merged(db);
    // Hours alone: the call itself stays, and may change.
    const onlyHours: Days = { hourRetentionDays: 60 };
    await retainAt(db, NOW, onlyHours);
    expect(await levels(db)).toMatchObject({ [LEVEL.day]: 4 });
    expect((await levels(db))[LEVEL.hour]).toBeUndefined();

    // $5 and $20 per million: 1,000 x $5 + 100 x $20 = $0.007.
    const dearer = createPricer(customPrices([price({ model: "gpt-4o", unitPico: units({ input: 5, output: 20 }) })]));
    const scope = { projectId: project, fromMs: startedAtMs, toMs: startedAtMs + 1, providers: [], models: [] };
    const all = { cursor: null, limit: 10, apply: true };
    await repriceStep(db, dearer, { ...scope, unpricedOnly: false }, all);
    await writeBatch(db, project, [priced(trace({ clientId: "late", startedAtMs }))]);
    await merged(db);
    expect((await levels(db))[LEVEL.hour]).toBeGreaterThan(0);
    expect((await ask(db, project, "interval=day")).totals).toMatchObject({ requests: 2, cost_usd: "0.0105" });
    await expect(ask(db, project, "interval=hour")).rejects.toMatchObject({ what: "hours" });
    expect(await audit(db, project, FROM, TO)).toMatchObject({ ok: true, mismatches: [] });
    await retainAt(db, NOW + DAY, onlyHours);
    expect((await levels(db))[LEVEL.hour]).toBeUndefined();
    expect(await audit(db, project, FROM, TO)).toMatchObject({ ok: true, mismatches: [] });
    await db.query(sql`delete from rollup where project_id = ${project}::uuid and label = '(application)'`);
    expect(await audit(db, project, FROM, TO)).toMatchObject({ ok: false });
  });
});
