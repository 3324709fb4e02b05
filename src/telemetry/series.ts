/** The counters and histograms that isolates count, declared once: their names, labels and what they say. */

interface Declared {
  help: string;
  labels: readonly string[];
}

export const COUNTERS = {
  http_requests_total: { help: "Requests by route, method and status.", labels: ["route", "method", "status"] },
  llm_cost_ingest_calls_total: {
    help: "Calls that were sent, by form and outcome. In queue mode they are queued first, and llm_cost_queue_traces_total counts what became of them.",
    labels: ["form", "outcome"],
  },
  llm_cost_ingest_points_total: {
    help: "Points of programs' own counters that were sent to /v1/metrics, by outcome. A stored one that came again is stored, too.",
    labels: ["outcome"],
  },
  llm_cost_unknown_usage_members_total: {
    help: "Calls whose usage has a member that no rule reads.",
    labels: ["provider", "member"],
  },
  llm_cost_cache_answers_total: { help: "Cacheable answers by the state of the cache.", labels: ["state"] },
  llm_cost_replica_questions_total: {
    help: "Questions by the state of the replica: answered; behind or unavailable, when the primary answered instead.",
    labels: ["state"],
  },
  llm_cost_uncounted_total: { help: "What was counted for more series than are kept.", labels: [] },
  llm_cost_database_errors_total: { help: "Transactions that failed, by kind.", labels: ["kind"] },
  llm_cost_cron_failures_total: { help: "Runs of a stage of cron that failed.", labels: ["stage"] },
  llm_cost_queue_messages_total: {
    help: "Messages by event. A message that is delivered again is counted again.",
    labels: ["event"],
  },
  llm_cost_queue_traces_total: { help: "Calls of stored messages by outcome.", labels: ["outcome"] },
} as const satisfies Record<string, Declared>;

/** Bounds are in seconds. */
export const HISTOGRAMS = {
  http_request_duration_seconds: {
    help: "Time from a request to the headers of its answer.",
    labels: ["route", "method"],
    bounds: [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2.5, 5, 10],
  },
  llm_cost_database_query_duration_seconds: {
    help: "Time of a transaction, its retries included.",
    labels: [],
    bounds: [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2.5, 5, 10],
  },
  llm_cost_queue_lag_seconds: {
    help: "Time from sending a message to storing it.",
    labels: [],
    bounds: [0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3_600],
  },
} as const satisfies Record<string, Declared & { bounds: readonly number[] }>;

export type CounterName = keyof typeof COUNTERS;
export type HistogramName = keyof typeof HISTOGRAMS;
