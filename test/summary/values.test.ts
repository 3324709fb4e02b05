/** The values of a field equal a GROUP BY over the calls of the days, whatever is merged, and whatever filters. */
import { sql, type SQL } from "drizzle-orm";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Call } from "../../src/ledger/call.ts";
import { FORMAT } from "../../src/ledger/levels.ts";
import { picoToUsd } from "../../src/money.ts";
import { compact } from "../../src/rollup/compact.ts";
import { mergeStep } from "../../src/rollup/merge.ts";
import { parseValuesQuery, readValues } from "../../src/summary/values.ts";
import { deleteTrace } from "../../src/traces/delete.ts";
import { writeBatch } from "../../src/write/write-batch.ts";
import { priced, trace, traces } from "../calls.ts";
import { database, newProject } from "../ledger.ts";

const db = database();
const START_MS = Date.UTC(2025, 3, 7);
const COLUMNS: Record<string, SQL> = {
  application: sql`t.application`,
  environment: sql`t.environment`,
  provider: sql`t.provider`,
  model: sql`t.model`,
  operation: sql`t.operation`,
  user: sql`t.user_id`,
  "tag.team": sql`t.tags->>'team'`,
  tag: sql`k.key`,
};
const LABELS = new Set(["user", "tag.team", "tag"]);

const question = fc
  .record({
    field: fc.constantFrom(...Object.keys(COLUMNS)),
    filters: fc.uniqueArray(
      fc.constantFrom<[key: string, value: string]>(
        ["application", "assistant"],
        ["environment", "staging"],
        ["model", "sonar"],
        ["operation", "chat"],
        ["user", "ada"],
        ["tag.team", "blue"],
      ),
      { maxLength: 2, selector: ([key]) => key },
    ),
    prefix: fc.constantFrom(null, null, "A", "o", "%", "_", "ÜN", "\\", "mini"),
    day: fc.integer({ min: -1, max: 3 }),
    days: fc.integer({ min: 1, max: 4 }),
  })
  // One label for each question.
  .filter(({ field, filters }) => {
    const labels = [field, ...filters.map(([key]) => key)].filter((key) => LABELS.has(key));
    return labels.length < 2 || (labels.length === 2 && labels[0] === labels[1]);
  });

async function ask(project: string, params: URLSearchParams) {
  return await readValues(db, project, parseValuesQuery(params, START_MS));
}

/** The same from calls. */
async function grouped(
  project: string,
  { field, filters, prefix, day, days }: typeof question extends fc.Arbitrary<infer T> ? T : never,
) {
  const value = COLUMNS[field]!;
  const from = new Date(START_MS + day * 86_400_000).toISOString();
  const to = new Date(START_MS + (day + days) * 86_400_000).toISOString();
  const others = filters.filter(([key]) => key !== field).map(([key, of]) => sql` and ${COLUMNS[key]!} = ${of}`);
  const rows = await db.query(sql`
    select ${value} as value, count(*)::int as requests, sum(cost_pico)::text as cost
    from traces t ${field === "tag" ? sql`, lateral jsonb_object_keys(t.tags) as k (key)` : sql``}
    where t.project_id = ${project}::uuid and t.billable and t.started_at >= ${from}::timestamptz and t.started_at < ${to}::timestamptz
      and ${value} is not null${sql.join(others, sql``)}
    group by 1`);
  return rows
    .map((row) => ({
      value: String(row["value"]),
      requests: Number(row["requests"]),
      cost_usd: row["cost"] === null ? null : picoToUsd(BigInt(String(row["cost"]))),
    }))
    .filter(({ value }) => value.toLowerCase().includes((prefix ?? "").toLowerCase()))
    .sort((a, b) => b.requests - a.requests || (a.value < b.value ? -1 : 1));
}

it("equal a GROUP BY over the calls of the days", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(traces(START_MS), { minLength: 1, maxLength: 40 }),
      fc.array(question, { minLength: 6, maxLength: 6 }),
      fc.nat(),
      async (calls, questions, some) => {
        const project = await newProject(db);
        const write = (part: Call[]) => writeBatch(db, project, part.map(priced));
        const at = some % calls.length;
        await write(calls.slice(0, at));
        await mergeStep(db, 1_000);
        if (some % 2 === 0) await compact(db, Date.now, Number.POSITIVE_INFINITY);
        // These are partial rows yet, and one call is taken out again.
        await write(calls.slice(at));
        await deleteTrace(db, project, calls[at]!.id);
        for (const asked of questions) {
          const { field, filters, prefix, day, days } = asked;
          const params = new URLSearchParams({
            field,
            limit: "100",
            // The whole days that the range touches.
            from: String(START_MS + day * 86_400_000 + 5_000_000),
            to: String(START_MS + (day + days) * 86_400_000 - 5_000_000),
            ...(prefix !== null && { prefix }),
          });
          for (const [key, value] of filters) params.append(key, value);
          expect([String(params), await ask(project, params)]).toEqual([String(params), await grouped(project, asked)]);
        }
      },
    ),
    { numRuns: 25 },
  );
});

describe("with many", () => {
  const write = async (project: string, count: number, of: (i: number) => Partial<Call>) =>
    await writeBatch(
      db,
      project,
      Array.from({ length: count }, (_, i) =>
        priced(trace({ startedAtMs: START_MS + i, clientId: `c${i}`, ...of(i) })),
      ),
    );
  const range = `from=${START_MS}&to=${START_MS + 86_400_000}`;

  it("the first by calls are shown, as many as the limit", async () => {
    const project = await newProject(db);
    await write(project, 300, (i) => ({ userId: `user-${Math.floor(Math.sqrt(i))}` }));
    const values = await ask(project, new URLSearchParams(`field=user&limit=2&${range}`));
    // Squares: 16^2 to 17^2 is 33 calls of user-16, 15^2 to 16^2 is 31 of user-15. $0.0035 each.
    expect(values).toEqual([
      { value: "user-16", requests: 33, cost_usd: "0.1155" },
      { value: "user-15", requests: 31, cost_usd: "0.1085" },
    ]);
  });

  it("the newest 20,000 of more than 50,000 rows are read, and those of 30 other tags beside", async () => {
    const project = await newProject(db);
    const tags = Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`key-${i}`, "x"]));
    await db.query(sql`
      insert into rollup (project_id, level, format, bucket, label, value, application, environment, provider, model,
        operation, service_tier, requests)
      select ${project}::uuid, 4, ${FORMAT}, to_timestamp(${START_MS / 1_000}::float8) + make_interval(days => i % 20), 'user', 'u' || i,
        'a', 'e', 'p', 'm', 'o', '', 1
      from generate_series(0, 59999) i`);
    await db.query(sql`
      insert into rollup (project_id, level, format, bucket, label, value, application, environment, provider, model,
        operation, service_tier, requests)
      select ${project}::uuid, 4, ${FORMAT}, to_timestamp(${START_MS / 1_000}::float8), 'tag.' || key, 'x', 'a', 'e', 'p', 'm', 'o', '', 1
      from jsonb_object_keys(${JSON.stringify(tags)}::jsonb) as k (key)`);
    const days = `from=${START_MS}&to=${START_MS + 20 * 86_400_000}`;
    const ofDay = async (prefix: string) =>
      (await ask(project, new URLSearchParams(`field=user&${days}&prefix=${prefix}`))).map(({ value }) => value);
    // 60,000 rows in 20 days: the oldest day (i % 20 = 0) is beyond the newest 50,000, but the newest one is not.
    expect(await ofDay("u59999")).toEqual(["u59999"]);
    expect(await ofDay("u59980")).toEqual([]);
    const keys = await ask(project, new URLSearchParams(`field=tag&limit=100&${days}`));
    expect(keys.map(({ value }) => value).toSorted()).toEqual(Object.keys(tags).toSorted());
  });
});
