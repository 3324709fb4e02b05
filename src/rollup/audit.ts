/**
 * The audit: rollup against the stored traces, in one snapshot, for every measure, per UTC day and
 * label, once through the day rows and once through the hour rows, as far as these are kept.
 */
import { sql, type SQL } from "drizzle-orm";
import type { Database, Row } from "../db/client.ts";
import { keyRange } from "../ingest/key.ts";
import { picoToUsd } from "../money.ts";
import { readRaw } from "../retention/kept.ts";
import { labelsOf } from "./derive.ts";
import { constants, GROUPING_SETS, LEVEL, LEVELS, MAIN, MEASURE_NAMES, own, sums, UNSPREAD } from "./measures.ts";

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
  day: string;
  level: "hour" | "day";
  label: string;
  measure: string;
  raw: string;
  rollup: string;
}

export interface Audit {
  ok: boolean;
  days: AuditDay[];
  /** Every sum that is off, also those that `days` does not show; at most 100. */
  mismatches: Mismatch[];
}

const DAY_MS = 86_400_000;
const MAX_MISMATCHES = 100;
const SHOWN = ["requests", "input_tokens", "output_tokens", "cost_pico"] as const;

/**
 * Audits the whole UTC days that `[fromMs, toMs)` touches.
 *
 * @throws Expired where calls of the first are kept no longer.
 */
export async function audit(db: Database, projectId: string, fromMs: number, toMs: number): Promise<Audit> {
  const startMs = Math.floor(fromMs / DAY_MS) * DAY_MS;
  const endMs = Math.ceil(toMs / DAY_MS) * DAY_MS;
  const byDay = new Map<string, Map<string, Map<string, bigint>>>();
  for (const row of await readRaw(db, statement(projectId, startMs, endMs), startMs)) {
    const day = byDay.get(String(row["day"])) ?? new Map<string, Map<string, bigint>>();
    const key = `${row["source"]} ${row["label"]}`;
    byDay.set(String(row["day"]), day.set(key, added(day.get(key), sumsOf(row))));
  }

  const days: AuditDay[] = [];
  const mismatches: Mismatch[] = [];
  for (const [day, sources] of [...byDay].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const of = (source: string, label: string, measure: string): bigint =>
      sources.get(`${source} ${label}`)?.get(measure) ?? 0n;
    const labels = new Set([...sources.keys()].map((key) => key.slice(key.indexOf(" ") + 1)));
    for (const label of labels) {
      for (const level of ["hour", "day"] as const) {
        for (const measure of MEASURE_NAMES) {
          const raw = of("raw", label, measure);
          const rollup = of(level, label, measure);
          if (raw !== rollup)
            mismatches.push({ day, level, label, measure, raw: raw.toString(), rollup: rollup.toString() });
        }
      }
    }
    const shown = (sum: (measure: string) => bigint): AuditSums => {
      const [requests, input, output, cost] = SHOWN.map(sum) as [bigint, bigint, bigint, bigint];
      return {
        requests: Number(requests),
        input_tokens: Number(input),
        output_tokens: Number(output),
        cost_usd: picoToUsd(cost),
      };
    };
    days.push({
      day,
      raw: shown((measure) => of("raw", "", measure)),
      rollup: shown((measure) => of("day", "", measure)),
      difference: shown((measure) => of("day", "", measure) - of("raw", "", measure)),
    });
  }
  return { ok: mismatches.length === 0, days, mismatches: mismatches.slice(0, MAX_MISMATCHES) };
}

function added(a: Map<string, bigint> | undefined, b: Map<string, bigint>): Map<string, bigint> {
  return a ? new Map(MEASURE_NAMES.map((name) => [name, a.get(name)! + b.get(name)!])) : b;
}

function sumsOf(row: Row): Map<string, bigint> {
  return new Map(MEASURE_NAMES.map((name) => [name, BigInt(String(row[name]))]));
}

/** Rows of (source, day, label) and sums; a source and label may come in several. */
function statement(projectId: string, startMs: number, endMs: number): SQL {
  const [lowest, highest] = keyRange(startMs, endMs);
  const inRange = sql`t.project_id = ${projectId} and t.bucket >= to_timestamp(${startMs}::float8 / 1000)
  and t.bucket < to_timestamp(${endMs}::float8 / 1000)`;
  const dayOf = (instant: SQL): SQL => sql`to_char(${instant} at time zone 'UTC', 'YYYY-MM-DD') as day`;
  const sets = sql.join(
    [...GROUPING_SETS.keys()].map((label) => sql`select ${label}`),
    sql` union all `,
  );
  const ofDay = sql`t.level in (${constants([LEVEL.partial, ...LEVELS.day])})`;
  // Where hours are kept no longer, days stand in for them.
  const isHour = sql`t.level in (${constants(LEVELS.hour)})`;
  const ofHour = sql`(t.level = ${LEVEL.partial} or (${isHour}) = (t.bucket >= (select hour_since from retention)))`;
  const ofLevel = (source: string, levels: SQL): SQL => sql`
select ${source} as source, ${dayOf(sql`t.bucket`)}, l.label, ${sums(own)}
from rollup t, lateral (
  select t.label where t.label <> ${UNSPREAD}
  union all (select label from ${labelsOf} as labels where t.label = ${UNSPREAD})
  union all (select label from (${sets}) as sets (label) where t.level = ${LEVEL.partial} and t.label = ${MAIN})
) as l (label)
where ${levels} and ${inRange}
group by 2, 3`;
  return sql`
select 'raw' as source, ${dayOf(sql`t.started_at`)}, l.label, ${sums(({ of }) => of)}
from traces t
left join prices p on p.project_id = t.project_id and p.id = t.price_id,
lateral (select ${MAIN} as label union all ${sets} union all select label from ${labelsOf} as labels) as l
where t.project_id = ${projectId} and t.id >= ${lowest}::uuid and t.id < ${highest}::uuid and t.billable
group by 2, 3
union all ${ofLevel("day", ofDay)}
union all ${ofLevel("hour", ofHour)}`;
}
