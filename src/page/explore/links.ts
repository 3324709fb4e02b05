/** Where a row leads: to the same view filtered by it, and to its calls. */
import { type FilterField, filtersOf, withFilter } from "../filters.ts";
import type { Range } from "../range.ts";
import { addressOf, PATHS } from "../route.ts";
import { iso } from "../zone.ts";
import { endOf, type Interval } from "./intervals.ts";
import { NOT_ROLLED_UP, OTHER } from "./rows.ts";

/** The view by another query. */
export function exploreAt(query: URLSearchParams): string {
  const text = query.toString();
  return PATHS.explore + (text && `?${text}`);
}

/** The query filtered by values of groups; null if calls without a value, or many values, stand behind one of them. */
export function filteredBy(
  query: URLSearchParams,
  groupBy: readonly string[],
  values: readonly (string | null)[],
): URLSearchParams | null {
  let next = query;
  for (const [place, key] of groupBy.entries()) {
    const value = values[place];
    if (value === null || value === undefined || value === "") return null;
    if (value === OTHER || value === NOT_ROLLED_UP) return null;
    // Other values of the same field would stay in sight.
    next = new URLSearchParams([...next].filter(([name]) => name !== key));
    next = withFilter(next, key as FilterField, value);
  }
  return next;
}

/** The calls behind a row: its group, in its interval or in the whole range. */
export function callsAt(
  filtered: URLSearchParams,
  range: Range,
  bucket: { start: number; interval: Interval } | null,
): string {
  const from = bucket ? Math.max(bucket.start, range.from) : range.from;
  const to = bucket ? Math.min(endOf(bucket.interval, bucket.start, range.zone), range.to) : range.to;
  const filters: Record<string, string[]> = {};
  for (const { field, value } of filtersOf(filtered)) (filters[field] ??= []).push(value);
  return addressOf("calls", { from: iso(from), to: iso(to), tz: range.zone, ...filters });
}
