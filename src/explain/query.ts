/** What an explanation can be asked: the query string of `GET /v1/explain`, read and checked. */
import { readParameters } from "../parameters.ts";
import {
  COMPARE_PARAMETERS,
  compareOf,
  FILTER_PARAMETERS,
  type Filters,
  filtersOf,
  type Period,
  periodBefore,
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
  const before = compareOf(asked, { ...after, zone }) ?? periodBefore({ ...after, zone });
  return { before, after, zone, ...filtersOf(asked) };
}
