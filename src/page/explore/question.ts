/** The questions to the API that a state, a range and filters make: one for the table, and one for the chart. */
import { filterQuery } from "../filters.ts";
import type { Range } from "../range.ts";
import { iso } from "../zone.ts";
import { countOf, fitting, type Interval } from "./intervals.ts";
import { type ExploreState, hasIntervals, MOST_ROWS } from "./state.ts";

export interface SummaryQuestion extends ReturnType<typeof filterQuery> {
  from: string;
  to: string;
  tz: string;
  group_by?: string[];
  interval?: Interval;
  include?: ("latency" | "rates")[];
  order?: string;
  limit?: number;
  compare?: "previous";
  compare_from?: string;
  compare_to?: string;
}

/** The most series of a chart if the table has all groups. */
const MOST_DRAWN = 20;

export function tableQuestion(state: ExploreState, query: URLSearchParams, range: Range): SummaryQuestion {
  return {
    ...questionOf(state, query, range, state.limit),
    ...(hasIntervals(state) && { interval: state.interval as Interval }),
  };
}

/** Null: nothing is drawn. */
export function chartQuestion(state: ExploreState, query: URLSearchParams, range: Range): SummaryQuestion | null {
  const interval = intervalOf(state, range);
  if (state.drawing === "table" || interval === "none") return null;
  // The rest is in `(other)`. So the answer has no more rows than the API allows.
  const most = Math.max(1, Math.floor(MOST_ROWS / countOf(interval, range)) - 1);
  return { ...questionOf(state, query, range, Math.min(state.limit ?? MOST_DRAWN, most)), interval };
}

export function intervalOf({ interval }: ExploreState, range: Range): Interval {
  return interval === "auto" ? fitting(range) : interval;
}

function questionOf(state: ExploreState, query: URLSearchParams, range: Range, limit: number | null): SummaryQuestion {
  const { groupBy, metric, compares, compareWith } = state;
  return {
    from: iso(range.from),
    to: iso(range.to),
    tz: range.zone,
    ...(groupBy.length > 0 && { group_by: groupBy, order: `-${metric.order}`, ...(limit !== null && { limit }) }),
    ...(metric.include !== null && { include: [metric.include] }),
    ...(compareWith
      ? { compare_from: compareWith.from, compare_to: compareWith.to }
      : compares && { compare: "previous" }),
    ...filterQuery(query),
  };
}
