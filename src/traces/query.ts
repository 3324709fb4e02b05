/** Reads and checks the query string of `GET /v1/traces`, which lists calls. */
import { zoneOf, type Zones } from "../summary/zone.ts";
import { z } from "zod";
import { flag, invalid, once, readParameters, repeated, upTo } from "../parameters.ts";
import {
  FILTER_PARAMETERS,
  filterValue,
  type LabelName,
  labelsOf,
  PUBLIC_DIMENSIONS,
  type PublicDimension,
  RANGE_PARAMETERS,
  rangeOf,
} from "../summary/query.ts";
import { DAY_MS } from "../time.ts";

/** Columns that can be filtered by in addition to the dimensions. */
const EXACT = ["trace_id", "session_id", "client_id", "status"] as const;

export interface TraceFilters {
  columns: Partial<Record<PublicDimension | (typeof EXACT)[number], string[]>>;
  labels: { name: LabelName; values: string[] }[];
  unpricedOnly: boolean;
  /** If true, calls that do not count are shown too: wrappers, cache hits and second sightings. */
  all: boolean;
}

export interface TracesQuery extends TraceFilters {
  fromMs: number;
  toMs: number;
  limit: number;
  /** The last id that the caller has. A page of the list goes on before it, an export after it. */
  cursor: string | null;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

const { tags, ...filters } = FILTER_PARAMETERS;
const exact = (condition: string, example?: string) => repeated(filterValue, `Only calls with ${condition}.`, example);

export const TRACES_PARAMETERS = {
  ...RANGE_PARAMETERS,
  limit: once(upTo(1_000), "Maximum number of items on a page.", { example: "10", fallback: "100" }),
  cursor: once(z.string().regex(UUID, "is not a cursor of this list"), "The `next_cursor` of the previous page."),
  unpriced: once(flag, "Only calls without a cost.", { fallback: "false" }),
  billable: once(
    z.enum(["all", "true"], "must be all or true"),
    "`all` also shows calls that do not count: wrappers, cache hits and second sightings.",
    { fallback: "true" },
  ),
  ...filters,
  trace_id: exact("this trace id"),
  session_id: exact("this session id"),
  client_id: exact("this id of the caller's own", "call-1"),
  status: exact("this status: `ok` or `error`", "ok"),
  tags,
};

/** The parameters of questions about all calls of a range: the filters of a summary, and any number of labels. */
export const CHECK_PARAMETERS = { ...RANGE_PARAMETERS, ...FILTER_PARAMETERS };

export interface CheckQuery extends TraceFilters {
  fromMs: number;
  toMs: number;
}

/** They read every call of their range. */
const LONGEST_CHECKED_MS = 366 * DAY_MS;

/** @throws ApiError 400 that names the wrong parameter. */
export function parseCheckQuery(params: URLSearchParams, nowMs: number, zones: Zones = zoneOf): CheckQuery {
  const asked = readParameters(CHECK_PARAMETERS, params);
  const { fromMs, toMs } = rangeOf(asked, nowMs, zones);
  if (toMs - fromMs > LONGEST_CHECKED_MS) throw invalid("from", "must be at most 366 days before to");
  const given = PUBLIC_DIMENSIONS.filter((name) => asked[name].length > 0);
  const columns = Object.fromEntries(given.map((name) => [name, asked[name]]));
  return { fromMs, toMs, columns, labels: labelsOf(asked), unpricedOnly: false, all: false };
}

/** @throws ApiError 400 that names the wrong parameter. */
export function parseTracesQuery(params: URLSearchParams, nowMs: number, zones: Zones = zoneOf): TracesQuery {
  const asked = readParameters(TRACES_PARAMETERS, params);
  const { fromMs, toMs } = rangeOf(asked, nowMs, zones);
  const given = [...PUBLIC_DIMENSIONS, ...EXACT].filter((name) => asked[name].length > 0);
  return {
    fromMs,
    toMs,
    limit: asked.limit,
    cursor: asked.cursor ?? null,
    columns: Object.fromEntries(given.map((name) => [name, asked[name]])),
    labels: labelsOf(asked),
    unpricedOnly: asked.unpriced,
    all: asked.billable === "all",
  };
}

/** Reads an id of the ledger; null if the text is none. */
export function parseTraceId(text: string): string | null {
  const id = text.toLowerCase();
  return UUID.test(id) ? id : null;
}
