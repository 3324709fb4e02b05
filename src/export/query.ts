/** What an export can be asked: the query string of `GET /v1/export`, read and checked. */
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
  /** The last line that is had already. */
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
  type: once(z.enum(["traces", "summary"], "must be traces or summary"), "Calls, or rows of a summary.", {
    fallback: "traces",
  }),
  format: once(
    z.enum(["ndjson", "csv", "focus"], "must be ndjson, csv or focus"),
    "`focus` goes with `type=summary`: a line for each price bucket, as CSV in columns of FOCUS 1.x.",
    { fallback: "ndjson" },
  ),
  cursor: once(
    z.string(),
    "The last line that is had already: the `id` of a call, the `cursor` (`x_Cursor`) of a row. The lines after it come.",
  ),
};

/** Those of calls go with `type=traces`, those of a summary with `type=summary`; examples are of the first. */
export const EXPORT_PARAMETERS: Parameters = { ...OWN_PARAMETERS, ...withoutExamples(ofSummary), ...ofTraces };

function withoutExamples(parameters: Parameters): Parameters {
  const bare = { example: undefined, fallback: undefined };
  return Object.fromEntries(Object.entries(parameters).map(([name, parameter]) => [name, { ...parameter, ...bare }]));
}

/** What makes no sense where all rows are wanted, in the order of their keys. */
const NOT_FOR_TRACES = ["limit"];
const NOT_FOR_SUMMARIES = ["limit", "order", "compare", "compare_from", "compare_to"];

/** @throws ApiError 400 that names the parameter which is wrong. */
export function parseExportQuery(params: URLSearchParams, projectId: string, nowMs: number): ExportQuery {
  const isOwn = ([name]: [string, string]): boolean => name in OWN_PARAMETERS;
  const { type, format, cursor } = readParameters(OWN_PARAMETERS, new URLSearchParams([...params].filter(isOwn)));
  const rest = new URLSearchParams([...params].filter((parameter) => !isOwn(parameter)));
  for (const name of type === "traces" ? NOT_FOR_TRACES : NOT_FOR_SUMMARIES) {
    if (rest.has(name))
      throw invalid(name, "does not go with an export, which has all rows in the order of their keys");
  }
  if (type === "summary") return parseSummaryExport(rest, format, cursor, projectId, nowMs);
  if (format === "focus") throw invalid("format", "focus goes with type=summary");
  // Calls come one by one, and as such may be asked for.
  if (rest.getAll("interval").join() === "none") rest.delete("interval");
  if (cursor !== undefined) rest.set("cursor", cursor);
  return { type, format, query: parseTracesQuery(rest, nowMs) };
}

function parseSummaryExport(
  params: URLSearchParams,
  format: SummaryExport["format"],
  cursorText: string | undefined,
  projectId: string,
  nowMs: number,
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
    return parseSummaryQuery(params, nowMs);
  }

  /** A range that the cursor brought may be what is wrong. */
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

function isOf({ groupBy, toMs }: SummaryQuery, { bucketMs, keys, line }: Position): boolean {
  return keys.length === groupBy.length && bucketMs < toMs && line >= 0;
}

/** A price needs a provider and a model, and a charge a period: days unless told, by everything unless told. */
function forFocus(query: SummaryQuery, params: URLSearchParams): SummaryQuery {
  if (query.include.length > 0) throw invalid("include", "does not go with format=focus");
  const interval = params.has("interval") ? query.interval : "day";
  if (interval !== "day" && interval !== "hour") throw invalid("interval", "must be day or hour with format=focus");
  const grouped: readonly GroupKey[] = params.has("group_by") ? query.groupBy : PUBLIC_DIMENSIONS;
  return { ...query, interval, groupBy: [...new Set<GroupKey>(["provider", "model", ...grouped])] };
}

function wrongCursor(): ApiError {
  return invalid("cursor", "is not one that this export gave");
}
