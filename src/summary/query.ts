/** What a summary can be asked: the query string of `GET /v1/summary`, read and checked. */
import { ApiError } from "../errors.ts";
import { parseInstant } from "../time.ts";
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

export interface SummaryQuery extends Filters {
  fromMs: number;
  toMs: number;
  zone: Zone;
  interval: Interval;
  /** In the order asked. */
  groupBy: (PublicDimension | LabelName)[];
  latency: boolean;
}

const DEFAULT_RANGE_MS = 30 * 24 * HOUR_MS;
const EARLIEST_MS = Date.UTC(2000, 0, 1);
const LATEST_MS = Date.UTC(2100, 0, 1);

/**
 * @throws ApiError 400 that names the parameter which is wrong.
 */
export function parseSummaryQuery(params: URLSearchParams, nowMs: number): SummaryQuery {
  const filterNames = new Set<string>();
  for (const name of params.keys()) {
    if (isDimension(name) || isLabel(name)) filterNames.add(name);
    else if (!["from", "to", "tz", "interval", "group_by", "include"].includes(name)) {
      throw invalid(
        name,
        `unknown parameter; known are from, to, tz, interval, group_by, include, ${PUBLIC_DIMENSIONS.join(", ")}, user and tag.<key>`,
      );
    }
  }
  const range = parseRange(params, nowMs);
  const interval = single(params, "interval") ?? "none";
  if (!INTERVALS.some((known) => known === interval))
    throw invalid("interval", `must be one of ${INTERVALS.join(", ")}`);
  const include = single(params, "include");
  if (include !== null && include !== "latency") throw invalid("include", "must be latency");

  const groupBy = parseGroupBy(single(params, "group_by"));
  const filters = parseFilters(params, filterNames);
  const groupedLabel = groupBy.find(isLabel);
  if (groupedLabel && filters.label && filters.label.name !== groupedLabel) {
    throw invalid(
      "group_by",
      `${groupedLabel} and the filter ${filters.label.name} are two labels; one label at a time goes with any of ${PUBLIC_DIMENSIONS.join(", ")}`,
    );
  }
  return { ...range, interval: interval as Interval, groupBy, ...filters, latency: include === "latency" };
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

function instant(params: URLSearchParams, name: string, zone: Zone): number | null {
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

function parseGroupBy(text: string | null): SummaryQuery["groupBy"] {
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

function parseFilters(params: URLSearchParams, names: Set<string>): Filters {
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

function single(params: URLSearchParams, name: string): string | null {
  const values = params.getAll(name);
  if (values.length > 1) throw invalid(name, "is given twice");
  return values[0] ?? null;
}

function isDimension(name: string): name is PublicDimension {
  return PUBLIC_DIMENSIONS.some((known) => known === name);
}

export function isLabel(name: string): name is LabelName {
  return name === "user" || (name.startsWith("tag.") && name.length > 4 && name.length <= 132 && !name.includes("\0"));
}

function invalid(parameter: string, problem: string): ApiError {
  return new ApiError("invalid_parameter", `${parameter}: ${problem}`, { parameter });
}
