/** Reads and checks the query string of `GET /v1/export`. */
import { zoneOf, type Zones } from "../summary/zone.ts";
import { z } from "zod";
import { ApiError } from "../errors.ts";
import { invalid, once, type Parameters, readParameters } from "../parameters.ts";
import {
  type GroupKey,
  parseSummaryQuery,
  PUBLIC_DIMENSIONS,
  SUMMARY_PARAMETERS,
  type SummaryQuery,
} from "../summary/query.ts";
import { parseTracesQuery, TRACES_PARAMETERS, type TracesQuery } from "../traces/query.ts";
import { cursorsFor, type Position, readCursor } from "./cursor.ts";

export interface SummaryExport {
  type: "summary";
  format: "ndjson" | "csv" | "focus";
  query: SummaryQuery;
  /** The last line that the caller has; null to begin with the first. */
  after: Position | null;
  cursorOf: (position: Position) => string;
}

export type ExportQuery = { type: "traces"; format: "ndjson" | "csv"; query: TracesQuery } | SummaryExport;

const { limit: _ofAPage, cursor: _ofAList, ...ofTraces } = TRACES_PARAMETERS;
const {
  limit: _groups,
  order: _order,
  compare: _compare,
  compare_from: _from,
  compare_to: _to,
  ...ofSummary
} = SUMMARY_PARAMETERS;

const OWN_PARAMETERS = {
  type: once(
    z.enum(["traces", "summary"], "must be traces or summary"),
    "The kind of lines: calls, or rows of a summary.",
    {
      fallback: "traces",
    },
  ),
  format: once(
    z.enum(["ndjson", "csv", "focus"], "must be ndjson, csv or focus"),
    "`focus` needs `type=summary`. It gives CSV in the columns of FOCUS 1.x, with a line for each price bucket.",
    { fallback: "ndjson" },
  ),
  cursor: once(
    z.string(),
    "The last line that you have: the `id` of a call, or the `cursor` (`x_Cursor`) of a row. The export goes on after it.",
  ),
};

/** The parameters of both types. Examples are those of `type=traces`. */
export const EXPORT_PARAMETERS: Parameters = { ...OWN_PARAMETERS, ...withoutExamples(ofSummary), ...ofTraces };

function withoutExamples(parameters: Parameters): Parameters {
  const bare = { example: undefined, fallback: undefined };
  return Object.fromEntries(Object.entries(parameters).map(([name, parameter]) => [name, { ...parameter, ...bare }]));
}

/** Parameters that an export refuses, because it has all rows in the order of their keys. */
const NOT_FOR_TRACES = ["limit"];
const NOT_FOR_SUMMARIES = ["limit", "order", "compare", "compare_from", "compare_to"];

/** @throws ApiError 400 that names the wrong parameter. */
export function parseExportQuery(
  params: URLSearchParams,
  projectId: string,
  nowMs: number,
  zones: Zones = zoneOf,
): ExportQuery {
  const isOwn = ([name]: [string, string]): boolean => name in OWN_PARAMETERS;
  const { type, format, cursor } = readParameters(OWN_PARAMETERS, new URLSearchParams([...params].filter(isOwn)));
  const rest = new URLSearchParams([...params].filter((parameter) => !isOwn(parameter)));
  for (const name of type === "traces" ? NOT_FOR_TRACES : NOT_FOR_SUMMARIES) {
    if (rest.has(name))
      throw invalid(name, "cannot be used here, because an export has all rows in the order of their keys");
  }
  if (type === "summary") return parseSummaryExport(rest, format, cursor, projectId, nowMs, zones);
  if (format === "focus") throw invalid("format", "focus needs type=summary");
  // Calls have no intervals, so `interval=none` says nothing new.
  if (rest.getAll("interval").join() === "none") rest.delete("interval");
  if (cursor !== undefined) rest.set("cursor", cursor);
  return { type, format, query: parseTracesQuery(rest, nowMs, zones) };
}

function parseSummaryExport(
  params: URLSearchParams,
  format: SummaryExport["format"],
  cursorText: string | undefined,
  projectId: string,
  nowMs: number,
  zones: Zones,
): SummaryExport {
  const cursor = cursorText === undefined ? null : readCursor(cursorText);
  if (cursor) {
    if (!params.has("from")) params.set("from", String(cursor.fromMs));
    if (!params.has("to")) params.set("to", String(cursor.toMs));
  }
  const asked = cursorText === undefined ? parse() : orWrongCursor(parse);
  const query = format === "focus" ? forFocus(asked, params) : asked;
  const { zone, interval, groupBy, dimensions, label, include } = query;
  const lines = format === "focus";
  const question = JSON.stringify([projectId, lines, zone.name, interval, groupBy, dimensions, label, include]);
  const cursorOf = cursorsFor(question, query);
  if (
    cursorText !== undefined &&
    (!cursor || !isOf(query, cursor.position) || cursorOf(cursor.position) !== cursorText)
  ) {
    throw wrongCursor();
  }
  return { type: "summary", format, query, after: cursor?.position ?? null, cursorOf };

  function parse(): SummaryQuery {
    return parseSummaryQuery(params, nowMs, zones);
  }

  /** If the cursor brought the range and the range is wrong, then the cursor is wrong. */
  function orWrongCursor(read: () => SummaryQuery): SummaryQuery {
    try {
      return read();
    } catch (error) {
      const named = error instanceof ApiError ? error.members["parameter"] : undefined;
      if (cursor && (named === "from" || named === "to")) throw wrongCursor();
      throw error;
    }
  }
}

function isOf({ groupBy, toMs }: SummaryQuery, { intervalMs, keys, line }: Position): boolean {
  return keys.length === groupBy.length && intervalMs < toMs && line >= 0;
}

/**
 * Adds what FOCUS needs: the group keys `provider` and `model`, as a price has both, and an interval, as a charge has a
 * period. The defaults are days, and all dimensions.
 */
function forFocus(query: SummaryQuery, params: URLSearchParams): SummaryQuery {
  if (query.include.length > 0) throw invalid("include", "cannot be combined with format=focus");
  const interval = params.has("interval") ? query.interval : "day";
  if (interval !== "day" && interval !== "hour") throw invalid("interval", "must be day or hour with format=focus");
  const grouped: readonly GroupKey[] = params.has("group_by") ? query.groupBy : PUBLIC_DIMENSIONS;
  return { ...query, interval, groupBy: [...new Set<GroupKey>(["provider", "model", ...grouped])] };
}

function wrongCursor(): ApiError {
  return invalid("cursor", "is not a cursor of this export");
}
