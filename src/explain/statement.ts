/** The explanation's SQL. One statement, and so one snapshot, has the sums of both periods by every main dimension. */
import { SHOWN_MEASURES, DIMENSIONS, type Measure, MEASURES, QUANTITIES } from "../ledger/measures.ts";
import { sql, type SQL } from "drizzle-orm";
import { BUCKETS } from "../ledger/buckets.ts";
import { columns, list } from "../db/sql.ts";
import { MAIN } from "../rollup/families.ts";
import { partsOf, type Row, signed } from "../summary/parts.ts";
import { PUBLIC_DIMENSIONS } from "../summary/query.ts";
import { type Window, windowsOf } from "../summary/windows.ts";
import type { ExplainQuery } from "./query.ts";

/** The buckets whose quantity is a sum of counts. The quantity of `request` is the number of calls. */
export const COUNTED_BUCKETS = BUCKETS.filter((bucket) => bucket !== "request");

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

/** Selects rows of `side` (`before` or `after`), the main dimensions and the sums of `READ_NAMES`. */
export function explainStatement(projectId: string, query: ExplainQuery, maxRows: number): SQL {
  const parts = (["before", "after"] as const).flatMap((side) =>
    partsOf({
      projectId,
      windows: explainWindows(query, side),
      filters: query,
      family: query.label?.name ?? MAIN,
      dimensions: DIMENSIONS,
      shown: (row) =>
        list([
          sql`${side} as side`,
          columns(PUBLIC_DIMENSIONS, "t"),
          sql`coalesce(t.service_tier, '') as service_tier`,
          ...READ.map(
            ({ name, of }) =>
              sql`${signed(row, row.of === "traces" ? of : sql`t.${sql.identifier(name)}`)} as ${sql.identifier(name)}`,
          ),
          held(row),
        ]),
    }),
  );
  const keys = columns(["side", ...DIMENSIONS]);
  const summed = list(
    READ_NAMES.map((name) => sql`coalesce(sum(${sql.identifier(name)}), 0)::numeric as ${sql.identifier(name)}`),
  );
  return sql`
with part as (${sql.join(parts, sql` union all `)})
select ${keys}, ${summed} from part group by ${keys} having sum(requests) <> 0 limit ${maxRows}`;
}
