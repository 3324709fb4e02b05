/** How measures are summed, and how rollup rows store the sums. */
import { sql, type SQL } from "drizzle-orm";
import { list } from "../db/sql.ts";
import { type Measure, MEASURES } from "../ledger/measures.ts";

/** A measure's column. */
export const own = ({ name }: Measure): SQL => sql`${sql.identifier(name)}`;

/**
 * Each measure's sum over a group of rows.
 *
 * @param of a measure's value in one row.
 * @param few true if most groups have few rows. Postgres' own sum of numerics is fast only for many.
 */
export function sums(of: (measure: Measure) => SQL, measures: readonly Measure[] = MEASURES, few = false): SQL {
  return list(measures.map((measure) => sql`coalesce(${sumOf(measure, of(measure), few)}, 0)${typed(measure)}`));
}

/** The same sums in the form in which rows store them. */
export function storedSums(of: (measure: Measure) => SQL, few = false): SQL {
  return list(MEASURES.map((measure) => sql`${stored(measure, sumOf(measure, of(measure), few))}${typed(measure)}`));
}

/** The same for rows that have no other measures than these, and sums that a bigint has room for. */
export function plainSums(of: (measure: Measure) => SQL, has: ReadonlySet<string>): SQL {
  const sum = (measure: Measure): SQL =>
    has.has(measure.name) ? stored(measure, sql`total(${of(measure)}::bigint)`) : sql`null`;
  return list(MEASURES.map((measure) => sql`${sum(measure)}${typed(measure)}`));
}

/** `total` is an aggregate of our own. It sums bigints as a bigint, and numerics without a fixed cost per group. */
function sumOf({ type }: Measure, value: SQL, few = false): SQL {
  return type === "bigint" ? sql`total(${value}::bigint)` : few ? sql`total(${value}::numeric)` : sql`sum(${value})`;
}

/** A measure's value in the form in which rows store it. */
export function stored({ name }: Measure, value: SQL): SQL {
  return name === "requests" ? value : sql`nullif(${value}, 0)`;
}

function typed({ name, type }: Measure): SQL {
  return sql`::${type === "bigint" ? sql`bigint` : sql`numeric`} as ${sql.identifier(name)}`;
}
