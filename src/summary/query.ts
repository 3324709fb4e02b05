/** What a summary can be asked: the query string of `GET /v1/summary`, read and checked. */
import { z } from "zod";
import { type Asked, commas, invalid, names, once, readParameters, repeated, upTo } from "../parameters.ts";
import { parseInstant, RFC3339 } from "../time.ts";
import { CHARACTER } from "../wire.ts";
import { previousPeriod } from "./period.ts";
import { HOUR_MS, INTERVALS, startOfDay, zone, type Interval, type Zone } from "./zone.ts";

/** Dimensions that callers may group and filter by. */
export const PUBLIC_DIMENSIONS = ["application", "environment", "provider", "model", "operation"] as const;
export type PublicDimension = (typeof PUBLIC_DIMENSIONS)[number];

/** A label's name as the rollup has it: `user` or `tag.<key>`. */
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

const DEFAULT_RANGE_MS = 30 * 24 * HOUR_MS;
const EARLIEST_MS = Date.UTC(2000, 0, 1);
const LATEST_MS = Date.UTC(2100, 0, 1);
const WRONG_INSTANT = "must be RFC 3339 with an offset, epoch milliseconds or YYYY-MM-DD, between 2000 and 2100";
const DIMENSION_LIST = PUBLIC_DIMENSIONS.join(", ");
const TAG_NAME = String.raw`tag\.${CHARACTER}{1,128}`;
const TAG = new RegExp(`^${TAG_NAME}$`);

/** Its text only: what a bare day means depends on the zone. */
const instant = z.string().regex(new RegExp(`^\\d{1,15}$|${RFC3339.source}`), WRONG_INSTANT);
const zoneName = z.string().transform((name, context): Zone => {
  const found = zone(name);
  if (!found) context.addIssue(`no IANA time zone is called ${name}`);
  return found ?? z.NEVER;
});
const groupKey = z
  .union([z.enum([...PUBLIC_DIMENSIONS, "user"]), z.string().regex(TAG)], {
    error: ({ input }) => `cannot group by ${JSON.stringify(input)}; allowed are ${DIMENSION_LIST}, user and tag.<key>`,
  })
  .transform((key) => key as GroupKey);
/** A value that is compared with what callers sent. */
export const filterValue = z
  .string()
  .max(512, "must be 1 to 512 characters")
  .regex(new RegExp(`^${CHARACTER}+$`), "must be 1 to 512 characters");

export const RANGE_PARAMETERS = {
  from: once(
    instant,
    "The first instant: RFC 3339 with an offset, epoch milliseconds, or `YYYY-MM-DD`, the start of that day in `tz`. 30 days before `to` unless given.",
    { example: "2026-10-01" },
  ),
  to: once(
    instant,
    "The first instant that is not meant any more, written as `from`. The end of the current UTC hour unless given.",
    { example: "2026-11-01" },
  ),
  tz: once(zoneName, "An IANA time zone: where days begin.", { example: "Europe/Berlin", fallback: "UTC" }),
};

export const COMPARE_PARAMETERS = {
  compare: once(
    z.enum(["previous"], "must be previous"),
    "The period before, as long as this one; whole days, weeks or months in `tz` where this one is.",
  ),
  compare_from: once(instant, "An earlier period of your own, with `compare_to`."),
  compare_to: once(instant, "Its end."),
};

const filter = (example?: string) => repeated(filterValue, "Only these; several are any of them.", example);

export const FILTER_PARAMETERS = {
  application: filter("assistant"),
  environment: filter(),
  provider: filter("openai"),
  model: filter("gpt-4o-mini"),
  operation: filter(),
  user: filter(),
  tags: names(TAG, "tag.<key>", filterValue, "Only calls with this tag: `tag.<key>=<value>`.", "tag.team=search"),
};

export const SUMMARY_PARAMETERS = {
  ...RANGE_PARAMETERS,
  interval: once(
    z.enum(INTERVALS, `must be one of ${INTERVALS.join(", ")}`),
    "Buckets of rows, in `tz`; weeks begin on Monday.",
    { example: "day", fallback: "none" },
  ),
  group_by: commas(
    groupKey,
    `Any of ${DIMENSION_LIST}, and one label: \`user\` or one \`tag.<key>\`.`,
    "application,model",
  ),
  include: commas(
    z.enum(INCLUDES, `must be of ${INCLUDES.join(", ")}, comma-separated`),
    "What else rows carry: latency percentiles, quantity and cost by price bucket, rates.",
    "latency",
  ),
  order: once(
    z
      .string()
      .regex(
        new RegExp(`^-?(?:${[...ORDERS, ...PUBLIC_DIMENSIONS, "user"].join("|")}|${TAG_NAME})$`),
        `must be one of ${ORDERS.join(", ")} or a key of group_by, with a - in front for descending`,
      ),
    "A sum or a group key, with a `-` in front for descending; within each bucket of the interval.",
    { example: "-requests", fallback: "-cost_usd" },
  ),
  limit: once(upTo(10_000), "So many groups; all others go into one, `(other)`.", { example: "10" }),
  ...COMPARE_PARAMETERS,
  ...FILTER_PARAMETERS,
};

/**
 * @throws ApiError 400 that names the parameter which is wrong.
 */
export function parseSummaryQuery(params: URLSearchParams, nowMs: number): SummaryQuery {
  const asked = readParameters(SUMMARY_PARAMETERS, params);
  const range = rangeOf(asked, nowMs);
  const groupBy = checkGroupBy(asked.group_by);
  const filters = filtersOf(asked);
  const groupedLabel = groupBy.find(isLabel);
  if (groupedLabel && filters.label && filters.label.name !== groupedLabel) {
    throw invalid(
      "group_by",
      `${groupedLabel} and the filter ${filters.label.name} are two labels; one label at a time goes with any of ${DIMENSION_LIST}`,
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
  if (new Set(keys).size < keys.length) throw invalid("group_by", "names a key twice");
  if (keys.filter(isLabel).length > 1)
    throw invalid("group_by", `one label (user or tag.<key>) at a time goes with any of ${DIMENSION_LIST}`);
  return keys;
}

function orderOf(text: string, groupBy: readonly GroupKey[]): SummaryQuery["order"] {
  const descending = text.startsWith("-");
  const name = descending ? text.slice(1) : text;
  const key = [...ORDERS, ...groupBy].find((known) => known === name);
  if (key !== undefined) return { key, descending };
  throw invalid("order", `must be one of ${[...ORDERS, ...groupBy].join(", ")}, with a - in front for descending`);
}

/** `compare=previous`, or a period of its own in `compare_from` and `compare_to`. */
export function compareOf(
  { compare, compare_from, compare_to }: Asked<typeof COMPARE_PARAMETERS>,
  range: Period & { zone: Zone },
): Period | null {
  const fromMs = instantOf("compare_from", compare_from, range.zone);
  const toMs = instantOf("compare_to", compare_to, range.zone);
  if (fromMs === null && toMs === null) return compare === undefined ? null : periodBefore(range);
  if (compare !== undefined) throw invalid("compare", "does not go with compare_from and compare_to");
  if (fromMs === null || toMs === null) {
    throw invalid(fromMs === null ? "compare_from" : "compare_to", "compare_from and compare_to go together");
  }
  if (fromMs >= toMs) throw invalid("compare_from", "must be before compare_to");
  return { fromMs, toMs };
}

/** @throws ApiError 400 where it begins before anything that can be asked about. */
export function periodBefore(range: Period & { zone: Zone }): Period {
  const before = previousPeriod(range);
  if (before.fromMs >= EARLIEST_MS) return before;
  throw invalid("compare", "the period before begins before 2000; name one with compare_from and compare_to");
}

/** A query string of `from`, `to` and `tz` alone. */
export function parseRange(params: URLSearchParams, nowMs: number): Period & { zone: Zone } {
  return rangeOf(readParameters(RANGE_PARAMETERS, params), nowMs);
}

/** With their defaults: the 30 days up to the end of the current UTC hour. */
export function rangeOf(
  { from, to, tz }: Pick<Asked<typeof RANGE_PARAMETERS>, "from" | "to"> & { tz?: Zone | undefined },
  nowMs: number,
): Period & { zone: Zone } {
  const asked = tz ?? zone("UTC")!;
  const toMs = instantOf("to", to, asked) ?? (Math.floor(nowMs / HOUR_MS) + 1) * HOUR_MS;
  const fromMs = instantOf("from", from, asked) ?? toMs - DEFAULT_RANGE_MS;
  if (fromMs >= toMs) throw invalid("from", "must be before to");
  return { fromMs, toMs, zone: asked };
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
    throw invalid(labels[1].name, `filters by one label at a time, together with any of ${DIMENSION_LIST}`);
  }
  return { dimensions: Object.fromEntries(given.map((name) => [name, asked[name]])), label: labels[0] ?? null };
}

/** The filters by `user` and tags. */
export function labelsOf({ user, tags }: Pick<Asked<typeof FILTER_PARAMETERS>, "user" | "tags">): Label[] {
  const byTag = [...tags].map(([name, values]): Label => ({ name: name as LabelName, values }));
  return user.length > 0 ? [{ name: "user", values: user }, ...byTag] : byTag;
}

export function isLabel(name: string): name is LabelName {
  return name === "user" || TAG.test(name);
}
