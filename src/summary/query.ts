/** Reads and checks the query string of `GET /v1/summary`. */
import { z } from "zod";
import { SHOWN } from "../ledger/measures.ts";
import { type Asked, commas, invalid, names, once, readParameters, repeated, upTo } from "../parameters.ts";
import { canonicalProvider } from "../pricing/provider.ts";
import { parseInstant, RFC3339, HOUR_MS } from "../time.ts";
import { CHARACTER } from "../wire.ts";
import { previousPeriod } from "./period.ts";
import { INTERVALS, startOfDay, type Interval, type Zone, zoneOf, type Zones } from "./zone.ts";

/** Dimensions that callers may group and filter by. */
export const PUBLIC_DIMENSIONS = [
  "application",
  "environment",
  "provider",
  "model",
  "operation",
  "covered_by",
] as const;
export type PublicDimension = (typeof PUBLIC_DIMENSIONS)[number];

/** A label's name, as callers write it and as rollup rows have it. */
export type LabelName = "user" | `tag.${string}`;

interface Label {
  name: LabelName;
  values: string[];
}

export interface Filters {
  dimensions: Partial<Record<PublicDimension, string[]>>;
  label: Label | null;
}

export type GroupKey = PublicDimension | LabelName;

/** The sums that rows can be ordered by. Rows can also be ordered by a group key. */
export const ORDERS: readonly string[] = SHOWN.map(({ name }) => name);

/** The optional parts of rows. */
export const INCLUDES = ["latency", "buckets", "rates"] as const;
export type Include = (typeof INCLUDES)[number];

export interface Period {
  fromMs: number;
  toMs: number;
}

export interface SummaryQuery extends Filters, Period {
  zone: Zone;
  interval: Interval;
  /** In the order of the query string. */
  groupBy: GroupKey[];
  include: Include[];
  /** One of `ORDERS`, or of `groupBy`. */
  order: { key: string; descending: boolean };
  /** Maximum number of groups; the rest are combined into one. */
  limit: number | null;
  /** An earlier period to set beside each row. */
  compare: Period | null;
}

const DEFAULT_RANGE_MS = 30 * 24 * HOUR_MS;
const EARLIEST_MS = Date.UTC(2000, 0, 1);
const LATEST_MS = Date.UTC(2100, 0, 1);
const WRONG_INSTANT = "must be RFC 3339 with an offset, epoch milliseconds or YYYY-MM-DD, between 2000 and 2100";
const DIMENSION_LIST = PUBLIC_DIMENSIONS.join(", ");
const TAG_NAME = String.raw`tag\.${CHARACTER}{1,128}`;
/** The name of a tag as a label. */
export const TAG = new RegExp(`^${TAG_NAME}$`);

/** Checks the text only, because the instant of a bare day depends on the zone. */
const instant = z.string().regex(new RegExp(`^\\d{1,15}$|${RFC3339.source}`), WRONG_INSTANT);
const groupKey = z
  .union([z.enum([...PUBLIC_DIMENSIONS, "user"]), z.string().regex(TAG)], {
    error: ({ input }) => `cannot group by ${JSON.stringify(input)}; allowed are ${DIMENSION_LIST}, user and tag.<key>`,
  })
  .transform((key) => key as GroupKey);
/** A value to compare with the values that callers sent. */
export const filterValue = z
  .string()
  .max(512, "must be 1 to 512 characters")
  .regex(new RegExp(`^${CHARACTER}+$`), "must be 1 to 512 characters");

export const RANGE_PARAMETERS = {
  from: once(
    instant,
    "Start of the range, included: RFC 3339 with an offset, epoch milliseconds, or `YYYY-MM-DD` for the start of that day in `tz`. The default is 30 days before `to`.",
    { example: "2026-10-01" },
  ),
  to: once(
    instant,
    "End of the range, excluded, written like `from`. The default is the end of the current UTC hour.",
    { example: "2026-11-01" },
  ),
  tz: once(z.string(), "The IANA time zone in which days begin.", { example: "Europe/Berlin", fallback: "UTC" }),
};

export const COMPARE_PARAMETERS = {
  compare: once(
    z.enum(["previous"], "must be previous"),
    "Compares with the period that ends at `from` and is as long as this one. If this one is whole days or whole months in `tz`, so is the other.",
  ),
  compare_from: once(instant, "Start of the period to compare with. It goes with `compare_to`."),
  compare_to: once(instant, "End of the period to compare with, excluded."),
};

const filter = (example?: string, schema: z.ZodType<string, string> = filterValue) =>
  repeated(schema, "Only calls with this value. If it is repeated, calls with any of the values.", example);

export const FILTER_PARAMETERS = {
  application: filter("assistant"),
  environment: filter(),
  provider: filter("openai", filterValue.transform(canonicalProvider)),
  model: filter("gpt-4o-mini"),
  operation: filter(),
  covered_by: repeated(filterValue, "Only calls that this pays for: `api`, `plan` or `unknown`."),
  user: filter(),
  tags: names(
    TAG,
    "tag.<key>",
    filterValue,
    "Only calls with this value of a tag, written as `tag.<key>=<value>`.",
    "tag.team=search",
  ),
};

export const SUMMARY_PARAMETERS = {
  ...RANGE_PARAMETERS,
  interval: once(
    z.enum(INTERVALS, `must be one of ${INTERVALS.join(", ")}`),
    "Splits rows by hour, day, week or month in `tz`. Weeks begin on Monday.",
    { example: "day", fallback: "none" },
  ),
  group_by: commas(
    groupKey,
    `Keys of rows: any of ${DIMENSION_LIST}, and at most one label, which is \`user\` or a \`tag.<key>\`.`,
    "application,model",
  ),
  include: commas(
    z.enum(INCLUDES, `must be of ${INCLUDES.join(", ")}, comma-separated`),
    "Optional parts of rows: latency percentiles, quantity and cost by price bucket, rates.",
    "latency",
  ),
  order: once(
    z
      .string()
      .regex(
        new RegExp(`^-?(?:${[...ORDERS, ...PUBLIC_DIMENSIONS, "user"].join("|")}|${TAG_NAME})$`),
        `must be one of ${ORDERS.join(", ")} or a key of group_by, with - in front for descending order`,
      ),
    "Order of rows within each interval: a sum or a key of `group_by`, with `-` in front for descending order.",
    { example: "-requests", fallback: "-cost_usd" },
  ),
  limit: once(upTo(10_000), "Maximum number of groups. The rest are combined into one row per interval, `(other)`.", {
    example: "10",
  }),
  ...COMPARE_PARAMETERS,
  ...FILTER_PARAMETERS,
};

/**
 * @throws ApiError 400 that names the wrong parameter.
 */
export function parseSummaryQuery(params: URLSearchParams, nowMs: number, zones: Zones = zoneOf): SummaryQuery {
  const asked = readParameters(SUMMARY_PARAMETERS, params);
  const range = rangeOf(asked, nowMs, zones);
  const groupBy = checkGroupBy(asked.group_by);
  const filters = filtersOf(asked);
  const groupedLabel = groupBy.find(isLabel);
  if (groupedLabel && filters.label && filters.label.name !== groupedLabel) {
    throw invalid(
      "group_by",
      `cannot combine ${groupedLabel} with the filter ${filters.label.name}; a query may use one label, and any of ${DIMENSION_LIST}`,
    );
  }
  return {
    ...range,
    interval: asked.interval,
    groupBy,
    ...filters,
    include: INCLUDES.filter((name) => asked.include.includes(name)),
    order: orderOf(asked.order, groupBy),
    limit: asked.limit ?? null,
    compare: compareOf(asked, range),
  };
}

function checkGroupBy(keys: GroupKey[]): GroupKey[] {
  if (new Set(keys).size < keys.length) throw invalid("group_by", "must not name a key twice");
  if (keys.filter(isLabel).length > 1)
    throw invalid("group_by", `may name one label (user or tag.<key>), and any of ${DIMENSION_LIST}`);
  return keys;
}

function orderOf(text: string, groupBy: readonly GroupKey[]): SummaryQuery["order"] {
  const descending = text.startsWith("-");
  const name = descending ? text.slice(1) : text;
  const key = [...ORDERS, ...groupBy].find((known) => known === name);
  if (key !== undefined) return { key, descending };
  throw invalid("order", `must be one of ${[...ORDERS, ...groupBy].join(", ")}, with - in front for descending order`);
}

/** The period of `compare=previous` or of `compare_from` and `compare_to`; null without any of them. */
export function compareOf(
  { compare, compare_from, compare_to }: Asked<typeof COMPARE_PARAMETERS>,
  range: Period & { zone: Zone },
): Period | null {
  const fromMs = instantOf("compare_from", compare_from, range.zone);
  const toMs = instantOf("compare_to", compare_to, range.zone);
  if (fromMs === null && toMs === null) return compare === undefined ? null : periodBefore(range);
  if (compare !== undefined) throw invalid("compare", "cannot be combined with compare_from and compare_to");
  if (fromMs === null || toMs === null) {
    throw invalid(
      fromMs === null ? "compare_from" : "compare_to",
      "is required, because compare_from and compare_to go together",
    );
  }
  if (fromMs >= toMs) throw invalid("compare_from", "must be before compare_to");
  return { fromMs, toMs };
}

/** @throws ApiError 400 if the period would begin before the year 2000. */
export function periodBefore(range: Period & { zone: Zone }): Period {
  const before = previousPeriod(range);
  if (before.fromMs >= EARLIEST_MS) return before;
  throw invalid("compare", "the previous period begins before 2000; choose one with compare_from and compare_to");
}

/** Reads a query string that may have only `from`, `to` and `tz`. */
export function parseRange(params: URLSearchParams, nowMs: number, zones: Zones = zoneOf): Period & { zone: Zone } {
  return rangeOf(readParameters(RANGE_PARAMETERS, params), nowMs, zones);
}

/** Applies the defaults: `to` is the end of the current UTC hour, `from` is 30 days before `to`, `tz` is UTC. */
export function rangeOf(
  { from, to, tz = "UTC" }: Pick<Asked<typeof RANGE_PARAMETERS>, "from" | "to"> & { tz?: string },
  nowMs: number,
  zones: Zones = zoneOf,
): Period & { zone: Zone } {
  const zone = zones(tz);
  if (zone === null) throw invalid("tz", `is not the name of an IANA time zone: ${tz}`);
  const toMs = instantOf("to", to, zone) ?? (Math.floor(nowMs / HOUR_MS) + 1) * HOUR_MS;
  const fromMs = instantOf("from", from, zone) ?? toMs - DEFAULT_RANGE_MS;
  if (fromMs >= toMs) throw invalid("from", "must be before to");
  return { fromMs, toMs, zone };
}

function instantOf(name: string, text: string | undefined, zone: Zone): number | null {
  if (text === undefined) return null;
  const ms = /^\d{1,15}$/.test(text)
    ? Number(text)
    : parseInstant(text, (year, month, day) => startOfDay(zone, year, month, day));
  if (ms === null || ms < EARLIEST_MS || ms > LATEST_MS) throw invalid(name, WRONG_INSTANT);
  return ms;
}

export function filtersOf(asked: Asked<typeof FILTER_PARAMETERS>): Filters {
  const given = PUBLIC_DIMENSIONS.filter((name) => asked[name].length > 0);
  const labels = labelsOf(asked);
  if (labels[1]) {
    throw invalid(labels[1].name, `a query may filter by one label, and any of ${DIMENSION_LIST}`);
  }
  return { dimensions: Object.fromEntries(given.map((name) => [name, asked[name]])), label: labels[0] ?? null };
}

/** The filters by labels: by user and by tags. */
export function labelsOf({ user, tags }: Pick<Asked<typeof FILTER_PARAMETERS>, "user" | "tags">): Label[] {
  const byTag = [...tags].map(([name, values]): Label => ({ name: name as LabelName, values }));
  return user.length > 0 ? [{ name: "user", values: user }, ...byTag] : byTag;
}

export function isLabel(name: string): name is LabelName {
  return name === "user" || TAG.test(name);
}
