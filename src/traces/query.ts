/** What the list of traces can be asked: the query string of `GET /v1/traces`, read and checked. */
import { z } from "zod";
import { flag, once, readParameters, repeated, upTo } from "../parameters.ts";
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

/** Columns that are compared as they are, beside the dimensions. */
const EXACT = ["trace_id", "session_id", "client_id", "status"] as const;

export interface TraceFilters {
  columns: Partial<Record<PublicDimension | (typeof EXACT)[number], string[]>>;
  labels: { name: LabelName; values: string[] }[];
  unpricedOnly: boolean;
  /** Wrappers and other rows that do not count, too. */
  all: boolean;
}

export interface TracesQuery extends TraceFilters {
  fromMs: number;
  toMs: number;
  limit: number;
  /** The last id that is had already: a page of the list goes on before it, an export after it. */
  cursor: string | null;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

const { tags, ...filters } = FILTER_PARAMETERS;
const exact = (what: string, example?: string) => repeated(filterValue, `Only calls with ${what}.`, example);

export const TRACES_PARAMETERS = {
  ...RANGE_PARAMETERS,
  limit: once(upTo(1_000), "Of a page.", { example: "10", fallback: "100" }),
  cursor: once(z.string().regex(UUID, "is not one that a page gave"), "`next_cursor` of the page before."),
  unpriced: once(flag, "Only calls without a cost.", { fallback: "false" }),
  billable: once(
    z.enum(["all", "true"], "must be all or true"),
    "`all` shows wrappers, cache hits and second sightings too, which do not count.",
    { fallback: "true" },
  ),
  ...filters,
  trace_id: exact("this trace id"),
  session_id: exact("this session id"),
  client_id: exact("this id of the caller's own", "call-1"),
  status: exact("this status: `ok` or `error`", "ok"),
  tags,
};

/** @throws ApiError 400 that names the parameter which is wrong. */
export function parseTracesQuery(params: URLSearchParams, nowMs: number): TracesQuery {
  const asked = readParameters(TRACES_PARAMETERS, params);
  const { fromMs, toMs } = rangeOf(asked, nowMs);
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

/** A ledger id, or null: what is no id belongs to no trace. */
export function parseTraceId(text: string): string | null {
  const id = text.toLowerCase();
  return UUID.test(id) ? id : null;
}
