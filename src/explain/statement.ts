/** The explanation's SQL. One statement, and so one snapshot, has the sums of both periods by every main dimension. */
import { SHOWN_MEASURES, DIMENSIONS, dimensionOf, type Measure, MEASURES, QUANTITIES } from "../ledger/measures.ts";
import { sql, type SQL } from "drizzle-orm";
import { BUCKETS } from "../ledger/buckets.ts";
import { columns, list } from "../db/sql.ts";
import { MAIN, OTHER } from "../rollup/families.ts";
import { withMissed } from "../summary/missed.ts";
import { partsOf, type Row, signed } from "../summary/parts.ts";
import { type Window, windowsOf } from "../summary/windows.ts";
import type { ExplainQuery } from "./query.ts";

/** The buckets whose quantity is a sum of counts. The quantity of `request` is the number of calls. */
export const COUNTED_BUCKETS = BUCKETS.filter((bucket) => bucket !== "request");

/** What pays for a call changes no cost. */
export const EXPLAINED = DIMENSIONS.filter((name) => name !== "covered_by");

const SUMMED = new Set([...SHOWN_MEASURES, ...BUCKETS.map((bucket) => `cost_${bucket}_pico`)]);
const READ: readonly Measure[] = MEASURES.filter(({ name }) => SUMMED.has(name));

/** The columns that each row of the statement sums. */
export const READ_NAMES: readonly string[] = [
  ...READ.map(({ name }) => name),
  ...COUNTED_BUCKETS.map((bucket) => `held_${bucket}`),
];

/**
 * Quantities of the price buckets. The SQL is the same for a call and a rollup row `t`, as both have the same counts.
 */
const held = (row: Row): SQL =>
  list(COUNTED_BUCKETS.map((bucket) => sql`${signed(row, QUANTITIES[bucket])} as ${sql.identifier(`held_${bucket}`)}`));

/** The windows of one side's period. */
export function explainWindows({ zone, ...query }: ExplainQuery, side: "before" | "after"): Window[] {
  return windowsOf(query[side].fromMs, query[side].toMs, "none", zone)!;
}

/** How many workloads and how many groups keep rows of their own in a folded statement. With long names it is 10 MB. */
const KEPT_WORKLOADS = 200;
const KEPT_GROUPS = 1_000;
const WORKLOAD = ["application", "environment", "operation"] as const;
const MODEL = ["provider", "model", "service_tier"] as const;

/**
 * Selects rows of `side` (`before` or `after`), the main dimensions and the sums of `READ_NAMES`.
 *
 * @param maxRows if null, all workloads but those of the highest cost become one, `(other)`, then all models but those
 * become one in each workload.
 */
export function explainStatement(projectId: string, query: ExplainQuery, maxRows: number | null): SQL {
  const parts = (["before", "after"] as const).flatMap((side) =>
    partsOf({
      projectId,
      windows: explainWindows(query, side),
      filters: query,
      family: query.label?.name ?? MAIN,
      dimensions: EXPLAINED,
      shown: (row) =>
        list([
          sql`${side} as side`,
          ...EXPLAINED.map((name) => sql`${dimensionOf(name)} as ${sql.identifier(name)}`),
          ...READ.map(
            ({ name, of }) =>
              sql`${signed(row, row.of === "traces" ? of : sql`t.${sql.identifier(name)}`)} as ${sql.identifier(name)}`,
          ),
          held(row),
        ]),
    }),
  );
  const keys = columns(["side", ...EXPLAINED]);
  const summed = list(
    READ_NAMES.map((name) => sql`coalesce(sum(${sql.identifier(name)}), 0)::numeric as ${sql.identifier(name)}`),
  );
  const groups = (source: string): SQL =>
    sql`select ${keys}, ${summed} from ${sql.identifier(source)} group by ${keys} having sum(requests) <> 0`;
  const part = sql`with part as (${sql.join(parts, sql` union all `)})`;
  const all =
    maxRows !== null
      ? sql`${part} ${groups("part")} limit ${maxRows}`
      : sql`
${part},
summed as (${groups("part")}),
${folding("by_workload", "summed", WORKLOAD, WORKLOAD, KEPT_WORKLOADS)},
${folding("folded", "by_workload", MODEL, EXPLAINED, KEPT_GROUPS)}
${groups("folded")}`;
  const windows = [...explainWindows(query, "before"), ...explainWindows(query, "after")];
  return withMissed(all, { projectId, query, windows });
}

/** CTEs that set the columns `folded` of `source` to `(other)` in all rows but those of the first groups by `keys`. */
function folding(name: string, source: string, folded: readonly string[], keys: readonly string[], most: number): SQL {
  const [from, kept, group] = [sql.identifier(source), sql.identifier(`${name}_kept`), columns(keys)];
  const shown = ["side", ...EXPLAINED].map((key) => {
    const own = sql`s.${sql.identifier(key)}`;
    const other = key === "service_tier" ? "" : OTHER;
    return folded.includes(key)
      ? sql`case when k.is_kept then ${own} else ${other} end as ${sql.identifier(key)}`
      : own;
  });
  const isSame = keys.map((key) => sql`s.${sql.identifier(key)} = k.${sql.identifier(key)}`);
  return sql`${kept} as (
  select ${group}, true as is_kept from ${from} group by ${group}
  order by sum(cost_pico) desc, sum(requests) desc, ${group} limit ${most}
),
${sql.identifier(name)} as (
  select ${list([...shown, columns(READ_NAMES, "s")])}
  from ${from} s left join ${kept} k on ${sql.join(isSame, sql` and `)}
)`;
}
