/**
 * Repairing: wherever rollup rows differ from the stored calls, the difference goes in as fresh rows of its level. So
 * it commutes with writes, merges and compacting, and what is right already stays untouched.
 *
 * Per group of a level: merged rows = the calls - the partial rows. Hours are compared with the calls. Days are
 * compared with their hours, or with the calls if hours of then are no longer kept. Weeks are compared with their days.
 */
import { sql, type SQL } from "drizzle-orm";
import { type Bound, compileNamed, type Database, DatabaseUnavailable, type Row } from "../db/client.ts";
import { columns, constants, dayOf, hourOf, list, param, project, weekOf } from "../db/sql.ts";
import { keyRange } from "../ledger/key.ts";
import { FORMAT, LEVEL, LEVELS } from "../ledger/levels.ts";
import { DIMENSIONS, MEASURE_NAMES } from "../ledger/measures.ts";
import { requireRaw } from "../retention/kept.ts";
import { DAY_MS, HOUR_MS, mondayOf } from "../time.ts";
import { insertRepairs } from "./corrections.ts";
import { isToldApart } from "./crowded.ts";
import { labelsOf, unspreadRows } from "./derive.ts";
import { MAIN, MAIN_FAMILIES, OTHER, UNSPREAD } from "./families.ts";
import { BY_HASH, columnsOfRows, grouped } from "./grouped.ts";
import { inSets } from "./merging.ts";
import { own, sums } from "./sums.ts";

/** What was put into the rollups for one day, or one week, of one family. */
export interface Change {
  /** `YYYY-MM-DD`, UTC. For a week, its Monday. */
  day: string;
  level: "hour" | "day" | "week";
  /** The family of the rows. */
  label: string;
  /** How many groups differed. Their differences may add up to nothing. */
  groups: number;
  /** By measure, where they add up to something: calls minus rollup. */
  differences: Record<string, string>;
}

/**
 * Makes repairs of a project take turns. Two that saw the same difference would both put it in. It is a statement of
 * its own, because a statement takes its snapshot before it waits.
 */
const TAKE_TURN = compileNamed(sql`select pg_advisory_xact_lock(hashtext('repair'), hashtext(${project}::text))`);

type Level = keyof typeof LEVELS;

const FRESH: Record<Level, number> = { hour: LEVEL.freshHour, day: LEVEL.freshDay, week: LEVEL.freshWeek };
const START: Record<Level, (instant: SQL) => SQL> = { hour: hourOf, day: dayOf, week: weekOf };

const from = sql`${param("from")}::timestamptz`;
const to = sql`${param("to")}::timestamptz`;
const hoursAreKept = sql`${from} >= (select hour_since from retention)`;

const measures = columns([...MEASURE_NAMES, "latency_buckets", "latency_counts"], "t");
const dimensions = columns(DIMENSIONS, "t");
const negated = list([
  ...MEASURE_NAMES.map((name) => sql`-t.${sql.identifier(name)} as ${sql.identifier(name)}`),
  sql`t.latency_buckets`,
  sql`(
      select array_agg(-coalesce(one.calls, 1) order by one.place)
      from unnest(t.latency_buckets, t.latency_counts) with ordinality as one (bin, calls, place)
    ) as latency_counts`,
]);
/** The columns of `columnsOfRows`. */
const rows = (start: SQL, label = sql`t.label`, value = sql`t.value`, summed = measures): SQL =>
  sql`t.project_id, ${start} as bucket, ${label} as label, ${value} as value, ${dimensions}, ${summed}`;

const inRange = (levels: readonly number[]): SQL =>
  sql`t.level in (${constants(levels)}) and t.project_id = ${project} and t.bucket >= ${from} and t.bucket < ${to}`;

/**
 * Puts in what the rows of a level lack of `wanted`, and tells what that is by family. All that is compared is inside one
 * CTE: if a statement also writes, Citus reads each of its CTEs in a snapshot of its own.
 *
 * @param ctes what `wanted` reads, with a comma at the end.
 * @param wanted the rows that this level should have.
 */
function putDifference(level: Level, ctes: SQL, wanted: SQL, condition: SQL): SQL {
  const bucket = sql`t.bucket`;
  return sql`
with difference as materialized (
  with ${ctes}
  pieces as materialized (
    ${wanted}
    union all
    select ${rows(bucket, sql`t.label`, sql`t.value`, negated)} from rollup t where ${inRange(LEVELS[level])} and ${condition}
  )
  select * from (${grouped(sql`pieces`)}) as d
  where requests <> 0
    or num_nonnulls(${columns([...MEASURE_NAMES.filter((name) => name !== "requests"), "latency_buckets"])}) > 0
),
put as (
  insert into rollup (level, format, ${columnsOfRows})
  select ${FRESH[level]}, ${FORMAT}, ${columnsOfRows} from difference
)${
    level === "week"
      ? sql`,
corrected as (${insertRepairs(sql`difference t where t.label = ${MAIN}`.inlineParams())})`
      : sql``
  }
select ${level} as level, to_char(t.bucket at time zone 'UTC', 'YYYY-MM-DD') as day, t.label, count(*)::int as groups, ${sums(own)}
from difference t group by 2, 3 order by 2, 3`;
}

/** Compares a level with the calls of the range. `condition` says whether it should. */
function fromCalls(level: "hour" | "day", condition: SQL): SQL {
  const start = START[level](sql`t.bucket`);
  const priced = sql`traces t left join prices p on p.project_id = ${project} and p.id = t.price_id`;
  const toldApart = isToldApart("project");
  const ctes = sql`calls as materialized (
  ${unspreadRows(priced)} and t.project_id = ${project}
    and t.id >= ${param("lowest")}::uuid and t.id < ${param("highest")}::uuid and ${condition}
),
loose as materialized (
  select t.label, t.project_id, t.bucket, t.user_id, t.tags, ${dimensions}, ${negated}
  from rollup t where ${inRange([LEVEL.partial])} and ${condition}
),
main as materialized (${grouped(sql`(
  select ${rows(start, sql`${MAIN}`, sql`''`)} from calls t
  union all
  select ${rows(start, sql`${MAIN}`, sql`''`)} from loose t where t.label = ${MAIN}
) as one`)}),
labelled as (
  select t.project_id, t.bucket, t.user_id, t.tags, ${dimensions}, ${measures} from calls t
  union all
  select t.project_id, t.bucket, t.user_id, t.tags, ${dimensions}, ${measures} from loose t where t.label = ${UNSPREAD}
),`;
  const wanted = sql`select ${columnsOfRows} from main
  union all
  select ${columnsOfRows} from ${inSets(sql`main`)} as in_sets
  union all
  select ${rows(start, sql`l.label`, sql`case when ${toldApart} then l.value else ${OTHER} end`)}
  from labelled t cross join lateral ${labelsOf} as l`;
  return putDifference(level, ctes, wanted, condition);
}

/** Compares a level with the rows of a finer one. */
function fromFiner(level: "day" | "week", finer: Level, condition: SQL): SQL {
  const wanted = sql`select ${rows(START[level](sql`t.bucket`))} from rollup t where ${inRange(LEVELS[finer])} and ${condition}`;
  return putDifference(level, sql``, wanted, condition);
}

const HOURS = compileNamed(fromCalls("hour", hoursAreKept));
const DAY_OF_HOURS = compileNamed(fromFiner("day", "hour", hoursAreKept));
const DAY_OF_CALLS = compileNamed(fromCalls("day", sql`not ${hoursAreKept}`));
const WEEK_OF_DAYS = compileNamed(fromFiner("week", "day", sql`t.label in (${constants(MAIN_FAMILIES)})`));

/** The numbers of hours that one transaction compares with calls: fewer if more take too long. */
const HOURS_AT_ONCE = [24, 6, 1];

/**
 * Repairs one UTC day, and its week as far as that differs from its days.
 *
 * @param startMs the start of the day.
 * @throws Expired if calls of the day are no longer kept.
 */
export async function repairDay(db: Database, projectId: string, startMs: number): Promise<Change[]> {
  const endMs = startMs + DAY_MS;
  // Asked after reading, as `readRaw` does.
  const repair = async (...statements: Bound[]): Promise<Row[]> => {
    const [, , ...found] = await db.batch([
      BY_HASH,
      TAKE_TURN({ project: projectId }),
      ...statements,
      requireRaw(startMs),
    ]);
    return found.slice(0, -1).flat();
  };
  const found: Row[] = [];
  let [hours, ...fewer] = HOURS_AT_ONCE as [number, ...number[]];
  for (let fromMs = startMs; fromMs < endMs;) {
    const toMs = fromMs + hours * HOUR_MS;
    try {
      found.push(...(await repair(HOURS(valuesOf(projectId, fromMs, toMs)))));
      fromMs = toMs;
    } catch (error) {
      // Nothing was changed, and fewer hours may succeed.
      if (!(error instanceof DatabaseUnavailable) || fewer.length === 0) throw error;
      [hours, ...fewer] = fewer as [number, ...number[]];
    }
  }
  const day = valuesOf(projectId, startMs, endMs);
  const mondayMs = mondayOf(startMs);
  const week = valuesOf(projectId, mondayMs, mondayMs + 7 * DAY_MS);
  found.push(...(await repair(DAY_OF_HOURS(day), DAY_OF_CALLS(day), WEEK_OF_DAYS(week))));
  return changesOf(found);
}

function valuesOf(projectId: string, fromMs: number, toMs: number): Record<string, string> {
  const [lowest, highest] = keyRange(fromMs, toMs);
  const [from, to] = [new Date(fromMs).toISOString(), new Date(toMs).toISOString()];
  return { project: projectId, lowest, highest, from, to };
}

function changesOf(found: readonly Row[]): Change[] {
  const byKey = Map.groupBy(found, ({ day, level, label }) => JSON.stringify([day, level, label]));
  return [...byKey.values()].map((same) => {
    const [{ day, level, label }] = same as [Row];
    const added = MEASURE_NAMES.map(
      (name) => [name, same.reduce((sum, row) => sum + BigInt(String(row[name])), 0n)] as const,
    );
    return {
      day: String(day),
      level: String(level) as Level,
      label: String(label),
      groups: same.reduce((sum, { groups }) => sum + Number(groups), 0),
      differences: Object.fromEntries(added.flatMap(([name, sum]) => (sum === 0n ? [] : [[name, sum.toString()]]))),
    };
  });
}
