/**
 * Service levels, declared once. Rules, alerts, the dashboard and `npm run slo` derive from this list.
 *
 * Each has a share of what went wrong, as PromQL over a window, and the target for the rest.
 */
import { requestShare, slowShare } from "./expressions.ts";
import { API, IN_RULES, INGEST, READS } from "./selectors.ts";

export interface Objective {
  /** The label `slo`. */
  name: "availability" | "ingest_latency" | "read_latency" | "rollup_freshness";
  title: string;
  /** The share that must be good over `PERIOD_DAYS`, above 0 and below 1. */
  target: number;
  /** The share that was bad in a window such as `5m`, by job. @param jobs selects them. */
  badShare(window: string, jobs?: string): string;
  /** What the record of a load test says of it; none says nothing. */
  inLoadTest: { kinds: "all" | "writes" | "reads"; withinMs: number | null } | null;
}

/** The period of the error budget. */
export const PERIOD_DAYS = 30;
/** Rollups older than this are stale. Cron merges once a minute. */
export const STALE_SECONDS = 300;
/** A recorded series: 1 while rollups are stale, else 0. */
export const STALE = "job:llm_cost_rollup_stale:bool";

/** Bounds are those of buckets, so that a share is exact. */
const within = (window: string, worker: string) => ({ ...IN_RULES, worker, window });

export const OBJECTIVES: readonly Objective[] = [
  {
    name: "availability",
    title: "Requests to the API that are not answered with a 5xx",
    target: 0.999,
    badShare: (window, jobs = IN_RULES.worker) => requestShare(within(window, jobs), API, 'status=~"5.."'),
    inLoadTest: { kinds: "all", withinMs: null },
  },
  {
    name: "ingest_latency",
    title: "Requests that bring calls and are answered within 0.5 s",
    target: 0.99,
    badShare: (window, jobs = IN_RULES.worker) => slowShare(within(window, jobs), INGEST, "0.5"),
    inLoadTest: { kinds: "writes", withinMs: 500 },
  },
  {
    name: "read_latency",
    title: "Questions that are answered within 0.5 s",
    target: 0.99,
    badShare: (window, jobs = IN_RULES.worker) => slowShare(within(window, jobs), READS, "0.5"),
    inLoadTest: { kinds: "reads", withinMs: 500 },
  },
  {
    name: "rollup_freshness",
    title: `Time in which rollups lag by at most ${STALE_SECONDS} s`,
    target: 0.99,
    badShare: (window, jobs = IN_RULES.worker) => `avg_over_time(${STALE}{${jobs}}[${window}])`,
    inLoadTest: null,
  },
];
