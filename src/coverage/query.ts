/** Reads and checks the query string of `GET /v1/coverage`. */
import { invalid, readParameters } from "../parameters.ts";
import { RANGE_PARAMETERS, rangeOf } from "../summary/query.ts";
import { DAY_MS } from "../time.ts";

const { from, to } = RANGE_PARAMETERS;
export const COVERAGE_PARAMETERS = { from, to };

/** Whole UTC days, epoch ms. */
export interface CoverageQuery {
  fromMs: number;
  toMs: number;
  /** The end that was asked for, or now. What is silent has not been seen for a while before it. */
  endMs: number;
}

/** All calls of the range are read. */
const LONGEST_MS = 92 * DAY_MS;

/** @throws ApiError 400 that names the wrong parameter. */
export function parseCoverageQuery(params: URLSearchParams, nowMs: number): CoverageQuery {
  const { fromMs, toMs } = rangeOf(readParameters(COVERAGE_PARAMETERS, params), nowMs);
  const days = {
    fromMs: Math.floor(fromMs / DAY_MS) * DAY_MS,
    toMs: Math.ceil(toMs / DAY_MS) * DAY_MS,
    endMs: Math.min(toMs, nowMs),
  };
  if (days.toMs - days.fromMs > LONGEST_MS) throw invalid("from", "must be at most 92 days before to");
  return days;
}
