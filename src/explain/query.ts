/** Reads and checks the query string of `GET /v1/explain`. */
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
import { type Zone, zoneOf, type Zones } from "../summary/zone.ts";

export interface ExplainQuery extends Filters {
  before: Period;
  after: Period;
  zone: Zone;
}

export const EXPLAIN_PARAMETERS = { ...RANGE_PARAMETERS, ...COMPARE_PARAMETERS, ...FILTER_PARAMETERS };

/**
 * The default period to compare with is the previous one.
 *
 * @throws ApiError 400 that names the wrong parameter.
 */
export function parseExplainQuery(params: URLSearchParams, nowMs: number, zones: Zones = zoneOf): ExplainQuery {
  const asked = readParameters(EXPLAIN_PARAMETERS, params);
  const { zone, ...after } = rangeOf(asked, nowMs, zones);
  const before = compareOf(asked, { ...after, zone }) ?? periodBefore({ ...after, zone });
  return { before, after, zone, ...filtersOf(asked) };
}
