/**
 * The audit compares rollups with stored calls, in one snapshot, for every measure. Per UTC day and family it compares
 * day rows with the calls, and hour rows with the calls as far as hours are kept. Per week it compares week rows with
 * the day rows of the week.
 */
import { DAY_MS } from "../time.ts";
import { sql, type SQL } from "drizzle-orm";
import type { Database, Row } from "../db/client.ts";
import { keyRange } from "../ledger/key.ts";
import { picoToUsd } from "../money.ts";
import { readRaw } from "../retention/kept.ts";
import { labelsOf } from "./derive.ts";
import { constants, dayOf, weekOf, instantAt } from "../db/sql.ts";
import { GROUPING_SETS, MAIN, MAIN_FAMILIES, UNSPREAD } from "./families.ts";
import { FORMAT, LEVEL, LEVELS, SINCE_FORMAT } from "../ledger/levels.ts";
import { MEASURE_NAMES } from "../ledger/measures.ts";
import { own, sums } from "./sums.ts";

export interface AuditSums {
  requests: number;
  input_tokens: number;
  output_tokens: number;
  cost_usd: string;
}

export interface AuditDay {
  /** `YYYY-MM-DD`, UTC. */
  day: string;
  raw: AuditSums;
  rollup: AuditSums;
  /** Rollup minus raw. */
  difference: AuditSums;
}

export interface Mismatch {
  /** `YYYY-MM-DD`, UTC. For a week, its Monday. */
  day: string;
  level: "hour" | "day" | "week";
  /** The family of the rows. */
  label: string;
  measure: string;
  /** The sum over the calls. For a week, the sum over its day rows. */
  raw: string;
  rollup: string;
}

export interface Audit {
  ok: boolean;
  days: AuditDay[];
  /** Every sum that differs, including sums that `days` does not show. At most 100. */
  mismatches: Mismatch[];
  /** Days whose reported costs an older version left out, and that are still to be repaired. Those are not compared. */
  pending_days: string[];
}

const MAX_MISMATCHES = 100;
const SHOWN = ["requests", "input_tokens", "output_tokens", "cost_pico"] as const;

/**
 * Audits the whole UTC days that `[fromMs, toMs)` touches.
 *
 * @throws Expired if calls of the first day are no longer kept.
 */
export async function audit(db: Database, projectId: string, fromMs: number, toMs: number): Promise<Audit> {
  const startMs = Math.floor(fromMs / DAY_MS) * DAY_MS;
  const endMs = Math.ceil(toMs / DAY_MS) * DAY_MS;
  const days: Sums = new Map();
  const weeks: Sums = new Map();
  const pending = new Set<string>();
  for (const row of await readRaw(db, statement(projectId, startMs, endMs), startMs)) {
    const [source, day] = [String(row["source"]) as Source, String(row["day"])];
    if (source === "pending") {
      pending.add(day);
      continue;
    }
    const read = source === "week" || source === "week's days" ? weeks : days;
    const sources = read.get(day) ?? new Map<string, Map<string, bigint>>();
    const key = keyOf(source, String(row["family"]));
    read.set(day, sources.set(key, added(sources.get(key), sumsOf(row))));
  }
  const mismatches = [
    ...mismatchesOf(days, "day", "raw"),
    ...mismatchesOf(days, "hour", "raw"),
    ...mismatchesOf(weeks, "week", "week's days"),
  ]
    .filter(({ day, measure }) => !(pending.has(day) && SINCE_FORMAT.includes(measure)))
    .sort((a, b) => (a.day < b.day ? -1 : a.day > b.day ? 1 : 0));
  const shownDays = [...days]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([day, sources]): AuditDay => {
      const of = (source: Source, measure: string): bigint => sources.get(keyOf(source, MAIN))?.get(measure) ?? 0n;
      const shown = (sum: (measure: string) => bigint): AuditSums => {
        const [requests, input, output, cost] = SHOWN.map(sum) as [bigint, bigint, bigint, bigint];
        return {
          requests: Number(requests),
          input_tokens: Number(input),
          output_tokens: Number(output),
          cost_usd: picoToUsd(cost),
        };
      };
      return {
        day,
        raw: shown((measure) => of("raw", measure)),
        rollup: shown((measure) => of("day", measure)),
        difference: shown((measure) => of("day", measure) - of("raw", measure)),
      };
    });
  return {
    ok: mismatches.length === 0,
    days: shownDays,
    mismatches: mismatches.slice(0, MAX_MISMATCHES),
    pending_days: [...pending].sort(),
  };
}

/**
 * The rows that a sum is taken from, or "pending" for a day without sums. "week's days" are the day rows that week rows
 * are compared with.
 */
type Source = "pending" | "raw" | "hour" | "day" | "week" | "week's days";

/** Each measure, by day, then by source and family. */
type Sums = Map<string, Map<string, Map<string, bigint>>>;

/** The sums of `level` that differ from those of `model`. */
function mismatchesOf(sums: Sums, level: Mismatch["level"], model: Source): Mismatch[] {
  return [...sums].flatMap(([day, sources]) => {
    const families = new Set([...sources.keys()].map((key) => key.slice(key.indexOf(SEPARATOR) + 1)));
    return [...families].flatMap((family) => {
      const [own, others] = [sources.get(keyOf(level, family)), sources.get(keyOf(model, family))];
      return MEASURE_NAMES.flatMap((measure) => {
        const [rollup, raw] = [own?.get(measure) ?? 0n, others?.get(measure) ?? 0n];
        return raw === rollup
          ? []
          : [{ day, level, label: family, measure, raw: raw.toString(), rollup: rollup.toString() }];
      });
    });
  });
}

const SEPARATOR = "/";
const keyOf = (source: Source, family: string): string => source + SEPARATOR + family;

function added(a: Map<string, bigint> | undefined, b: Map<string, bigint>): Map<string, bigint> {
  return a ? new Map(MEASURE_NAMES.map((name) => [name, a.get(name)! + b.get(name)!])) : b;
}

function sumsOf(row: Row): Map<string, bigint> {
  return new Map(MEASURE_NAMES.map((name) => [name, BigInt(String(row[name]))]));
}

/**
 * The statement whose rows are (source, day, family) and the sums. Several rows may have one source, day and family.
 */
function statement(projectId: string, startMs: number, endMs: number): SQL {
  const [lowest, highest] = keyRange(startMs, endMs);
  const inRange = sql`t.project_id = ${projectId} and t.bucket >= ${instantAt(startMs)} and t.bucket < ${instantAt(endMs)}`;
  const inWeeks = sql`t.project_id = ${projectId} and t.bucket >= ${weekOf(instantAt(startMs))}
  and t.bucket < ${weekOf(instantAt(endMs - 1))} + interval '168 hours'`;
  const dateOf = (instant: SQL): SQL => sql`to_char(${instant} at time zone 'UTC', 'YYYY-MM-DD') as day`;
  const sets = sql.join(
    [...GROUPING_SETS.keys()].map((family) => sql`select ${family}`),
    sql` union all `,
  );
  const ofDay = sql`t.level in (${constants([LEVEL.partial, ...LEVELS.day])})`;
  // If hours are no longer kept, day rows stand in for them.
  const ofHour = sql`(t.level = ${LEVEL.partial}
  or t.level in (${constants(LEVELS.hour)}) and t.bucket >= (select hour_since from retention)
  or t.level in (${constants(LEVELS.day)}) and t.bucket < (select hour_since from retention))`;
  const ofLevel = (source: Source, levels: SQL): SQL => sql`
select ${source} as source, ${dateOf(sql`t.bucket`)}, l.label as family, ${sums(own)}
from rollup t, lateral (
  select t.label where t.label <> ${UNSPREAD}
  union all (select label from ${labelsOf} as labels where t.label = ${UNSPREAD})
  union all (select label from (${sets}) as sets (label) where t.level = ${LEVEL.partial} and t.label = ${MAIN})
) as l (label)
where ${levels} and ${inRange}
group by 2, 3`;
  const ofWeek = (source: Source, levels: readonly number[]): SQL => sql`
select ${source} as source, ${dateOf(weekOf(sql`t.bucket`))}, t.label as family, ${sums(own)}
from rollup t
where t.level in (${constants(levels)}) and t.label in (${constants(MAIN_FAMILIES)}) and ${inWeeks}
group by 2, 3`;
  return sql`
select 'raw' as source, ${dateOf(sql`t.started_at`)}, l.label as family, ${sums(({ of }) => of)}
from traces t
left join prices p on p.project_id = t.project_id and p.id = t.price_id,
lateral (select ${MAIN} as label union all ${sets} union all select label from ${labelsOf} as labels) as l
where t.project_id = ${projectId} and t.id >= ${lowest}::uuid and t.id < ${highest}::uuid and t.billable
group by 2, 3
union all ${ofLevel("day", ofDay)}
union all ${ofLevel("hour", ofHour)}
union all ${ofWeek("week", LEVELS.week)}
union all ${ofWeek("week's days", LEVELS.day)}
union all
select 'pending', ${dateOf(sql`t.day`)}, '', ${sums(() => sql`0`)}
from (
  select t.day from days_to_repair t where t.project_id = ${projectId} and t.day >= ${instantAt(startMs)} and t.day < ${instantAt(endMs)}
  union
  select ${dayOf(sql`t.bucket`)} from rollup t where t.level = ${LEVEL.partial} and coalesce(t.format, 0) < ${FORMAT} and ${inRange}
) t
group by 2`;
}
