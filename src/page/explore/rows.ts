/** Rows of a summary: their keys, their names, and their order. */
import { groupName, rowValue } from "../groups.ts";
import type { components } from "../api.d.ts";
import { compare, difference, type Figure } from "./metrics.ts";
import type { ExploreState, Sort } from "./state.ts";

export type SummaryRow = components["schemas"]["SummaryRow"];

/** What a limit combines the rest into. */
export const OTHER = "(other)";
/** The calls that have a tag, but more tags than are rolled up. */
export const NOT_ROLLED_UP = "(not rolled up)";

/** One key for each group: its value, or its values as a JSON array. */
export function rowKey(row: object, groupBy: readonly string[]): string {
  if (groupBy.length === 0) return "all";
  if (groupBy.length === 1) return rowValue(row, groupBy[0]!) ?? "";
  if (isOther(row, groupBy)) return OTHER;
  return JSON.stringify(groupBy.map((key) => rowValue(row, key)));
}

/** The values that a key is made of, in the order of the groups. */
export function valuesOf(key: string, groupBy: readonly string[]): (string | null)[] {
  if (groupBy.length === 1) return [key === "" ? null : key];
  return key.startsWith("[") ? (JSON.parse(key) as (string | null)[]) : [];
}

export function keyName(key: string, groupBy: readonly string[]): string {
  if (groupBy.length === 0) return "All calls";
  const values = valuesOf(key, groupBy);
  return values.length === 0 ? key : values.map(groupName).join(" \u00b7 ");
}

/** Is it what a limit combined? Then no filter finds its calls. */
export function isOther(row: object, groupBy: readonly string[]): boolean {
  return groupBy.length > 0 && groupBy.every((key) => rowValue(row, key) === OTHER);
}

/** Rows in another order; `(other)` stays at the end, if it is not the order of time. */
export function sorted(rows: readonly SummaryRow[], sort: Sort | null, state: ExploreState): readonly SummaryRow[] {
  if (sort === null) return rows;
  const { groupBy, metric } = state;
  const direction = sort.descending ? -1 : 1;
  const isText = sort.column === "bucket" || groupBy.includes(sort.column);
  const figureOf = (row: SummaryRow): Figure => {
    if (sort.column === "bucket") return row.bucket ?? null;
    if (isText) return rowValue(row, sort.column);
    if (sort.column === "cost_usd") return row.cost_usd;
    if (sort.column === "requests") return row.requests;
    const before = row.previous ? metric.of(row.previous) : null;
    if (sort.column === "before") return before;
    return sort.column === "now" || sort.column === "share" ? metric.of(row) : difference(metric.of(row), before);
  };
  const keyed = rows.map((row) => ({
    row,
    figure: figureOf(row),
    isLast: sort.column !== "bucket" && isOther(row, groupBy),
  }));
  keyed.sort(
    (a, b) =>
      Number(a.isLast) - Number(b.isLast) ||
      (isText ? byText(a.figure, b.figure) * direction : compare(a.figure, b.figure, direction)),
  );
  return keyed.map(({ row }) => row);
}

const collator = new Intl.Collator("en");

function byText(a: Figure, b: Figure): number {
  if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1;
  return collator.compare(String(a), String(b));
}
