/**
 * The promise "sum of rollups = sum of raw traces", for any history: batches split, shuffled, sent again, taken out,
 * merged and compacted at random moments must give the same rollups, and the same summaries as a plain GROUP BY over
 * the stored traces.
 */
import { DAY_MS } from "../../src/time.ts";
import { type SQL, sql } from "drizzle-orm";
import fc from "fast-check";
import { expect, it } from "vitest";
import type { Call } from "../../src/ledger/call.ts";
import { writeBatch } from "../../src/write/write-batch.ts";
import { picoToUsd, usdToPico } from "../../src/money.ts";
import { BUCKETS, quantities, TOKEN_BUCKETS } from "../../src/ledger/buckets.ts";
import { audit } from "../../src/rollup/audit.ts";
import { compact } from "../../src/rollup/compact.ts";
import { mergeStep } from "../../src/rollup/merge.ts";
import { parseSummaryQuery } from "../../src/summary/query.ts";
import { type Summary } from "../../src/summary/shown.ts";
import { summarize } from "../../src/summary/summarize.ts";
import { INTERVALS } from "../../src/summary/zone.ts";
import { deleteTrace } from "../../src/traces/delete.ts";
import { readCall } from "../../src/traces/read.ts";
import { database, newProject } from "../ledger.ts";
import { priced, traces } from "../calls.ts";

const db = database();
const START_MS = Date.UTC(2025, 2, 29, 12); // Europe changes its clocks on the 30th
const END_MS = START_MS + 3 * DAY_MS;
const GROUPS = [
  "application",
  "environment",
  "provider",
  "model",
  "operation",
  "covered_by",
  "user",
  "tag.team",
] as const;

type Step = { write: number[] } | { merge: number; thenCompact: boolean } | { remove: number };

const history = fc.array(traces(START_MS), { minLength: 1, maxLength: 40 }).chain((all) =>
  fc.record({
    all: fc.constant(all),
    steps: fc.array(
      fc.oneof(
        {
          weight: 3,
          arbitrary: fc.record({ write: fc.array(fc.nat(all.length - 1), { minLength: 1, maxLength: 30 }) }),
        },
        { weight: 1, arbitrary: fc.record({ remove: fc.nat(all.length - 1) }) },
        {
          weight: 2,
          arbitrary: fc.record({ merge: fc.integer({ min: 1, max: 50 }), thenCompact: fc.boolean() }),
        },
      ),
      { maxLength: 12 },
    ) as fc.Arbitrary<Step[]>,
  }),
);

const LABELS = ["user", "tag.team"];
const asked = {
  wholeHours: fc.boolean(),
  tz: fc.constantFrom("UTC", "UTC", "Europe/Berlin", "Asia/Kolkata", "America/St_Johns", "Asia/Kathmandu"),
  filter: fc.constantFrom<[key: string, values: string[]] | null>(
    null,
    null,
    ["application", ["assistant"]],
    ["application", ["assistant", 'ünïcode "quoted" \\ {braces},']],
    ["model", ["gpt-4o", "sonar"]],
    ["covered_by", ["plan"]],
    ["covered_by", ["api", "unknown"]],
    ["user", ["ada", "nobody"]],
    ["tag.team", ["blue"]],
  ),
};
const question = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      ...asked,
      fromMs: fc.integer({ min: START_MS - 3_600_000, max: END_MS - 1 }),
      lengthMs: fc.oneof(
        fc.integer({ min: 1, max: 72 * 3_600_000 }),
        fc.integer({ min: 1, max: 72 }).map((hours) => hours * 3_600_000),
      ),
      interval: fc.constantFrom(...INTERVALS),
      groupBy: fc.subarray([...GROUPS]).filter((keys) => !LABELS.every((label) => keys.includes(label as never))),
    }),
  },
  {
    // Whole weeks before and after the Monday among the days of the calls.
    weight: 2,
    arbitrary: fc.record({
      ...asked,
      fromMs: fc.integer({ min: START_MS - 14 * DAY_MS, max: START_MS + DAY_MS }),
      lengthMs: fc.integer({ min: 8, max: 30 }).map((days) => days * DAY_MS),
      interval: fc.constantFrom("none", "week", "month"),
      // Those of labels are read from days.
      groupBy: fc.subarray(GROUPS.filter((key) => key !== "tag.team")),
    }),
  },
);

it("gives the same rollups and summaries whatever the order of writes, repeats, deletions and merges", async () => {
  await fc.assert(
    fc.asyncProperty(history, fc.array(question, { minLength: 3, maxLength: 3 }), async ({ all, steps }, questions) => {
      const project = await newProject(db);
      const sent = new Set<number>();
      for (const step of steps) {
        if ("merge" in step) {
          await mergeStep(db, step.merge);
          if (step.thenCompact) await compact(db, Date.now, Number.POSITIVE_INFINITY);
        } else if ("remove" in step)
          expect(await deleteTrace(db, project, all[step.remove]!.id)).toBe(sent.delete(step.remove));
        else {
          const { outcomes } = await writeBatch(
            db,
            project,
            step.write.map((i) => priced(all[i]!)),
          );
          const fresh = new Set(step.write.filter((i) => !sent.has(i)));
          expect(outcomes.filter((outcome) => outcome === "inserted")).toHaveLength(fresh.size);
          for (const i of fresh) sent.add(i);
        }
      }
      const { ok, mismatches, days } = await audit(db, project, START_MS, END_MS);
      expect(mismatches).toEqual([]);
      expect(ok).toBe(true);
      const calls = [...sent].filter((i) => all[i]!.billable);
      expect(days.reduce((sum, { raw }) => sum + raw.requests, 0)).toBe(calls.length);

      await expectBucketsAddUp(project);
      for (const i of calls.slice(0, 3)) await expectReceiptAddsUp(project, all[i]!);
      for (const asked of questions) await expectSameAsRaw(project, asked);
    }),
    { numRuns: 60 },
  );
});

/** The costs of the buckets are the cost, on whatever rows and level. */
async function expectBucketsAddUp(project: string): Promise<void> {
  const buckets = BUCKETS.map((bucket) => sql`coalesce(${sql.identifier(`cost_${bucket}_pico`)}, 0)`);
  const rows = await db.query(sql`
    select level, coalesce(sum(cost_pico), 0) as cost, sum(${sql.join(buckets, sql` + `)}) as buckets from rollup
    where project_id = ${project}::uuid and label = '' group by level`);
  for (const { cost, buckets } of rows) expect(buckets).toBe(cost);
}

async function expectReceiptAddsUp(project: string, { id, ...call }: Call): Promise<void> {
  const { receipt, cost_usd } = (await readCall(db, project, id))!;
  expect(receipt.total_usd).toBe(cost_usd);
  const held = receipt.lines.filter(({ unit }) => unit === "token").reduce((sum, { quantity }) => sum + quantity, 0);
  const tokens = quantities(call).slice(0, TOKEN_BUCKETS.length);
  expect(held).toBe(tokens.reduce((sum, n) => sum + n));
  if (receipt.total_usd === null) return;
  const lines = receipt.lines.map(({ cost_usd }) => usdToPico(cost_usd!)!);
  expect(picoToUsd(lines.reduce((sum, pico) => sum + pico, 0n))).toBe(receipt.total_usd);
}

type Question = typeof question extends fc.Arbitrary<infer T> ? T : never;

async function expectSameAsRaw(project: string, asked: Question): Promise<void> {
  const whole = (ms: number): number => (asked.wholeHours ? Math.floor(ms / 3_600_000) * 3_600_000 : ms);
  const fromMs = whole(asked.fromMs);
  const toMs = Math.max(whole(asked.fromMs + asked.lengthMs), fromMs + 1);
  const params = new URLSearchParams({
    from: String(fromMs),
    to: String(toMs),
    tz: asked.tz,
    interval: asked.interval,
  });
  if (asked.groupBy.length > 0) params.set("group_by", asked.groupBy.join());
  const filter = filterOf(asked);
  for (const value of filter?.[1] ?? []) params.append(filter![0], value);
  const summary = await summarize(db, project, parseSummaryQuery(params, END_MS), END_MS);
  expect(asTable(summary, asked)).toEqual(await fromRaw(project, asked, fromMs, toMs));
}

/** One label at a time: grouped by another, none is filtered. */
function filterOf({ filter, groupBy }: Question): Question["filter"] {
  const clashes =
    filter && LABELS.includes(filter[0]) && groupBy.some((key) => LABELS.includes(key) && key !== filter[0]);
  return clashes ? null : filter;
}

/** Rows as `key | key | numbers`, sorted: order is checked elsewhere. */
function asTable(summary: Summary, { groupBy, interval }: Question): string[] {
  return summary.rows
    .map((row) =>
      [
        interval === "none" ? "" : new Date(String(row["bucket"])).toISOString(),
        ...groupBy.map((key) => row[key]),
        row.requests,
        row.errors,
        row.input_tokens,
        row.output_tokens,
        row.cache_read_tokens,
        row.unpriced_requests,
        row.unpriced_tokens,
        row.cost_usd,
        row.recorded_cost_usd,
        row.inexact_requests,
        row.inexact_cost_usd,
        row.plan_cost_usd,
      ].join("|"),
    )
    .sort();
}

/** The same question as one plain GROUP BY over the stored traces, zones left to Postgres. */
async function fromRaw(project: string, asked: Question, fromMs: number, toMs: number): Promise<string[]> {
  const columnOf = (key: string): SQL =>
    key === "user"
      ? sql`user_id`
      : key === "tag.team"
        ? sql`tags->>'team'`
        : key === "covered_by"
          ? sql`coalesce(covered_by, 'api')`
          : sql`${sql.identifier(key)}`;
  const keys = asked.groupBy.map(columnOf);
  const filter = filterOf(asked);
  const bucket =
    asked.interval === "none"
      ? sql`''`
      : sql`to_char(date_trunc(${asked.interval}, started_at, ${asked.tz}) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;
  const rows = await db.query(sql`
    select ${sql.join(
      [bucket, ...keys].map((key, i) => sql`${key} as ${sql.identifier(`key_${i}`)}`),
      sql`, `,
    )}, count(*) as requests, count(*) filter (where status = 'error') as errors,
      sum(coalesce(input_tokens, 0)) as input, sum(coalesce(output_tokens, 0)) as output, sum(coalesce(cache_read_tokens, 0)) as cached,
      count(*) filter (where cost_pico is null) as unpriced,
      sum(case when cost_pico is null then coalesce(input_tokens, 0)::bigint + coalesce(output_tokens, 0) else 0 end) as unpriced_tokens,
      sum(cost_pico) as cost, sum(recorded_cost_pico) as recorded,
      count(*) filter (where cost_is <> 'exact' and cost_pico is not null) as inexact,
      coalesce(sum(cost_pico) filter (where cost_is <> 'exact'), 0) as inexact_cost,
      sum(case when covered_by = 'plan' then cost_pico when cost_pico is not null then 0 end) as plan_cost
    from (
      select * from traces
      where project_id = ${project}::uuid and billable
        and started_at >= to_timestamp(${fromMs}::float8 / 1000) and started_at < to_timestamp(${toMs}::float8 / 1000)
        ${
          filter === null
            ? sql``
            : sql`and ${columnOf(filter[0])} in (${sql.join(
                filter[1].map((value) => sql`${value}`),
                sql`, `,
              )})`
        }
    ) t
    group by ${sql.join(
      Array.from({ length: keys.length + 1 }, (_, i) => sql`${i + 1}`.inlineParams()),
      sql`, `,
    )}`);
  return rows
    .map((row) => {
      const {
        requests,
        errors,
        input,
        output,
        cached,
        unpriced,
        unpriced_tokens,
        cost,
        recorded,
        inexact,
        inexact_cost,
        plan_cost,
        ...rest
      } = row;
      const usd = (pico: unknown): string | null => (pico === null ? null : picoToUsd(BigInt(String(pico))));
      const values = Object.values(rest);
      return [
        ...values,
        requests,
        errors,
        input,
        output,
        cached,
        unpriced,
        unpriced_tokens,
        usd(cost),
        usd(recorded),
        inexact,
        usd(inexact_cost),
        usd(plan_cost),
      ].join("|");
    })
    .sort();
}
