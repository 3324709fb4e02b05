/** What a summary can be asked: the query string of `GET /v1/summary`, read and checked. */
import { ApiError } from "../errors.ts";
import { parseInstant } from "../time.ts";
import { previousPeriod } from "./period.ts";
import { HOUR_MS, INTERVALS, startOfDay, zone, type Interval, type Zone } from "./zone.ts";

/** Dimensions that callers may group and filter by. */
export const PUBLIC_DIMENSIONS = ["application", "environment", "provider", "model", "operation"] as const;
export type PublicDimension = (typeof PUBLIC_DIMENSIONS)[number];

/** A label's name as the rollup has it: `user` or `tag.<key>`. */
export type LabelName = "user" | `tag.${string}`;

export interface Filters {
  dimensions: Partial<Record<PublicDimension, string[]>>;
  label: { name: LabelName; values: string[] } | null;
}

export type GroupKey = PublicDimension | LabelName;

/** What rows can be ordered by, beside group keys. */
export const ORDERS = [
  "requests",
  "errors",
  "input_tokens",
  "output_tokens",
  "total_tokens",
  "cache_read_tokens",
  "cache_write_tokens",
  "reasoning_tokens",
  "cost_usd",
  "recorded_cost_usd",
  "unpriced_requests",
  "unpriced_tokens",
] as const;
export type OrderKey = (typeof ORDERS)[number];

/** What rows can carry beside the sums that all carry. */
export const INCLUDES = ["latency", "buckets", "rates"] as const;
export type Include = (typeof INCLUDES)[number];

export interface Period {
  fromMs: number;
  toMs: number;
}

export interface SummaryQuery extends Filters, Period {
  zone: Zone;
  interval: Interval;
  /** In the order asked. */
  groupBy: GroupKey[];
  include: Include[];
  order: { key: OrderKey | GroupKey; descending: boolean };
  /** So many groups; all others go into one. */
  limit: number | null;
  /** An earlier period to set beside each row. */
  compare: Period | null;
}

const PARAMETERS = [
  "from",
  "to",
  "tz",
  "interval",
  "group_by",
  "include",
  "order",
  "limit",
  "compare",
  "compare_from",
  "compare_to",
];
const MAX_LIMIT = 10_000;
const DEFAULT_RANGE_MS = 30 * 24 * HOUR_MS;
export const EARLIEST_MS = Date.UTC(2000, 0, 1);
const LATEST_MS = Date.UTC(2100, 0, 1);

/**
 * @throws ApiError 400 that names the parameter which is wrong.
 */
export function parseSummaryQuery(params: URLSearchParams, nowMs: number): SummaryQuery {
  const filterNames = new Set<string>();
  for (const name of params.keys()) {
    if (isDimension(name) || isLabel(name)) filterNames.add(name);
    else if (!PARAMETERS.includes(name)) {
      const known = [...PARAMETERS, ...PUBLIC_DIMENSIONS].join(", ");
      throw invalid(name, `unknown parameter; known are ${known}, user and tag.<key>`);
    }
  }
  const range = parseRange(params, nowMs);
  const interval = single(params, "interval") ?? "none";
  if (!INTERVALS.some((known) => known === interval))
    throw invalid("interval", `must be one of ${INTERVALS.join(", ")}`);
  const include = INCLUDES.filter((name) => listed(params, "include", INCLUDES).includes(name));
  const groupBy = parseGroupBy(single(params, "group_by"));
  const filters = parseFilters(params, filterNames);
  const groupedLabel = groupBy.find(isLabel);
  if (groupedLabel && filters.label && filters.label.name !== groupedLabel) {
    throw invalid(
      "group_by",
      `${groupedLabel} and the filter ${filters.label.name} are two labels; one label at a time goes with any of ${PUBLIC_DIMENSIONS.join(", ")}`,
    );
  }
  return {
    ...range,
    interval: interval as Interval,
    groupBy,
    ...filters,
    include,
    order: parseOrder(single(params, "order"), groupBy),
    limit: parseLimit(single(params, "limit")),
    compare: parseCompare(params, range),
  };
}

function parseOrder(text: string | null, groupBy: readonly GroupKey[]): SummaryQuery["order"] {
  if (text === null) return { key: "cost_usd", descending: true };
  const descending = text.startsWith("-");
  const name = descending ? text.slice(1) : text;
  const key = [...ORDERS, ...groupBy].find((known) => known === name);
  if (key !== undefined) return { key, descending };
  throw invalid("order", `must be one of ${[...ORDERS, ...groupBy].join(", ")}, with a - in front for descending`);
}

function parseLimit(text: string | null): number | null {
  if (text === null) return null;
  const limit = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (limit < 1 || limit > MAX_LIMIT) throw invalid("limit", `must be from 1 to ${MAX_LIMIT}`);
  return limit;
}

/** `compare=previous`, or a period of its own in `compare_from` and `compare_to`. */
export function parseCompare(params: URLSearchParams, range: Period & { zone: Zone }): Period | null {
  const compare = single(params, "compare");
  if (compare !== null && compare !== "previous") throw invalid("compare", "must be previous");
  const fromMs = instant(params, "compare_from", range.zone);
  const toMs = instant(params, "compare_to", range.zone);
  if (fromMs === null && toMs === null) return compare === null ? null : previousPeriod(range);
  if (compare !== null) throw invalid("compare", "does not go with compare_from and compare_to");
  if (fromMs === null || toMs === null) {
    throw invalid(fromMs === null ? "compare_from" : "compare_to", "compare_from and compare_to go together");
  }
  if (fromMs >= toMs) throw invalid("compare_from", "must be before compare_to");
  return { fromMs, toMs };
}

/** The values of a comma-separated parameter. */
function listed<T extends string>(params: URLSearchParams, name: string, allowed: readonly T[]): T[] {
  const text = single(params, name);
  if (text === null || text === "") return [];
  return text.split(",").map((value) => {
    const found = allowed.find((known) => known === value);
    if (found === undefined) throw invalid(name, `must be of ${allowed.join(", ")}, comma-separated`);
    return found;
  });
}

/** `from`, `to` and `tz`, with their defaults: the 30 days up to the end of the current UTC hour. */
export function parseRange(params: URLSearchParams, nowMs: number): { fromMs: number; toMs: number; zone: Zone } {
  const name = single(params, "tz") ?? "UTC";
  const found = zone(name);
  if (!found) throw invalid("tz", `no IANA time zone is called ${name}`);
  const toMs = instant(params, "to", found) ?? (Math.floor(nowMs / HOUR_MS) + 1) * HOUR_MS;
  const fromMs = instant(params, "from", found) ?? toMs - DEFAULT_RANGE_MS;
  if (fromMs >= toMs) throw invalid("from", "must be before to");
  return { fromMs, toMs, zone: found };
}

export function instant(params: URLSearchParams, name: string, zone: Zone): number | null {
  const text = single(params, name);
  if (text === null) return null;
  const ms = /^\d{1,15}$/.test(text)
    ? Number(text)
    : parseInstant(text, (year, month, day) => startOfDay(zone, year, month, day));
  if (ms === null || ms < EARLIEST_MS || ms > LATEST_MS) {
    throw invalid(name, "must be RFC 3339 with an offset, epoch milliseconds or YYYY-MM-DD, between 2000 and 2100");
  }
  return ms;
}

function parseGroupBy(text: string | null): GroupKey[] {
  if (text === null || text === "") return [];
  const keys = text.split(",").map((key) => {
    if (isDimension(key) || isLabel(key)) return key;
    throw invalid(
      "group_by",
      `cannot group by ${JSON.stringify(key)}; allowed are ${PUBLIC_DIMENSIONS.join(", ")}, user and tag.<key>`,
    );
  });
  if (new Set(keys).size < keys.length) throw invalid("group_by", "names a key twice");
  if (keys.filter(isLabel).length > 1)
    throw invalid(
      "group_by",
      `one label (user or tag.<key>) at a time goes with any of ${PUBLIC_DIMENSIONS.join(", ")}`,
    );
  return keys;
}

export function parseFilters(params: URLSearchParams, names: Set<string>): Filters {
  const dimensions: Filters["dimensions"] = {};
  let label: Filters["label"] = null;
  for (const name of names) {
    const values = params.getAll(name);
    if (values.some((value) => value === "" || value.length > 512 || value.includes("\0")))
      throw invalid(name, "must be 1 to 512 characters");
    if (isDimension(name)) dimensions[name] = values;
    else if (label)
      throw invalid(name, `filters by one label at a time, together with any of ${PUBLIC_DIMENSIONS.join(", ")}`);
    else if (isLabel(name)) label = { name, values };
  }
  return { dimensions, label };
}

export function single(params: URLSearchParams, name: string): string | null {
  const values = params.getAll(name);
  if (values.length > 1) throw invalid(name, "is given twice");
  return values[0] ?? null;
}

export function isDimension(name: string): name is PublicDimension {
  return PUBLIC_DIMENSIONS.some((known) => known === name);
}

export function isLabel(name: string): name is LabelName {
  return name === "user" || (name.startsWith("tag.") && name.length > 4 && name.length <= 132 && !name.includes("\0"));
}

export function invalid(parameter: string, problem: string): ApiError {
  return new ApiError("invalid_parameter", `${parameter}: ${problem}`, { parameter });
}
