/** What an explanation can be asked: the query string of `GET /v1/explain`, read and checked. */
import { invalid, readParameters } from "../parameters.ts";
import { previousPeriod } from "../summary/period.ts";
import {
  COMPARE_PARAMETERS,
  compareOf,
  EARLIEST_MS,
  FILTER_PARAMETERS,
  type Filters,
  filtersOf,
  type Period,
  RANGE_PARAMETERS,
  rangeOf,
} from "../summary/query.ts";
import type { Zone } from "../summary/zone.ts";

export interface ExplainQuery extends Filters {
  before: Period;
  after: Period;
  zone: Zone;
}

export const EXPLAIN_PARAMETERS = { ...RANGE_PARAMETERS, ...COMPARE_PARAMETERS, ...FILTER_PARAMETERS };

/**
 * Without a period to compare with, it is the previous one.
 *
 * @throws ApiError 400 that names the parameter which is wrong.
 */
export function parseExplainQuery(params: URLSearchParams, nowMs: number): ExplainQuery {
  const asked = readParameters(EXPLAIN_PARAMETERS, params);
  const { zone, ...after } = rangeOf(asked, nowMs);
  const before = compareOf(asked, { ...after, zone }) ?? previousPeriod({ ...after, zone });
  if (before.fromMs < EARLIEST_MS)
    throw invalid("compare", "the period before begins before 2000; name one with compare_from and compare_to");
  return { before, after, zone, ...filtersOf(asked) };
}
