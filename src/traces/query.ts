/** What the list of traces can be asked: the query string of `GET /v1/traces`, read and checked. */
import { ApiError } from "../errors.ts";
import { isLabel, type LabelName, parseRange, PUBLIC_DIMENSIONS, type PublicDimension } from "../summary/query.ts";

/** Columns that are compared as they are, beside the dimensions. */
const EXACT = ["trace_id", "session_id", "client_id", "status"] as const;

export interface TracesQuery {
  fromMs: number;
  toMs: number;
  limit: number;
  /** The id after which the page begins, going back in time. */
  cursor: string | null;
  columns: Partial<Record<PublicDimension | (typeof EXACT)[number], string[]>>;
  labels: { name: LabelName; values: string[] }[];
  unpricedOnly: boolean;
  /** Wrappers and other rows that do not count, too. */
  all: boolean;
}

const MAX_LIMIT = 1_000;
const DEFAULT_LIMIT = 100;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** @throws ApiError 400 that names the parameter which is wrong. */
export function parseTracesQuery(params: URLSearchParams, nowMs: number): TracesQuery {
  const { fromMs, toMs } = parseRange(params, nowMs);
  const query: TracesQuery = {
    fromMs,
    toMs,
    limit: limitOf(params.get("limit")),
    cursor: cursorOf(params.get("cursor")),
    columns: {},
    labels: [],
    unpricedOnly: oneOf(params, "unpriced", ["true", "false"]) === "true",
    all: oneOf(params, "billable", ["all", "true"]) === "all",
  };
  for (const name of new Set(params.keys())) {
    if (["from", "to", "tz", "limit", "cursor", "unpriced", "billable"].includes(name)) continue;
    const column = [...PUBLIC_DIMENSIONS, ...EXACT].find((known) => known === name);
    if (column === undefined && !isLabel(name)) throw invalid(name, "unknown parameter");
    const values = params.getAll(name);
    if (values.some((value) => value === "" || value.length > 512 || value.includes("\0"))) {
      throw invalid(name, "must be 1 to 512 characters");
    }
    if (column !== undefined) query.columns[column] = values;
    else if (isLabel(name)) query.labels.push({ name, values });
  }
  return query;
}

/** A ledger id, or null: what is no id belongs to no trace. */
export function parseTraceId(text: string): string | null {
  const id = text.toLowerCase();
  return UUID.test(id) ? id : null;
}

function limitOf(text: string | null): number {
  if (text === null) return DEFAULT_LIMIT;
  const limit = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (limit < 1 || limit > MAX_LIMIT) throw invalid("limit", `must be from 1 to ${MAX_LIMIT}`);
  return limit;
}

function cursorOf(text: string | null): string | null {
  if (text !== null && !UUID.test(text)) throw invalid("cursor", "is not one that a page gave");
  return text;
}

function oneOf(params: URLSearchParams, name: string, allowed: readonly string[]): string | null {
  const value = params.get(name);
  if (value !== null && !allowed.includes(value)) throw invalid(name, `must be ${allowed.join(" or ")}`);
  return value;
}

function invalid(parameter: string, problem: string): ApiError {
  return new ApiError("invalid_parameter", `${parameter}: ${problem}`, { parameter });
}
