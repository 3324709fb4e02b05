/** The text of `/metrics` with every name that dashboards and rules may read. */
const HTTP_BINS = [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2.5, 5, 10];
const LLM_BINS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120];
const DIMENSIONS = 'project="p",application="a",environment="e",provider="o",model="m"';

export const SAMPLE = [
  ...family("http_requests_total", "counter", [
    'route="/v1/traces",method="POST",status="200"',
    'route="/v1/summary",method="GET",status="200"',
  ]),
  ...histogram("http_request_duration_seconds", HTTP_BINS, [
    'route="/v1/traces",method="POST"',
    'route="/v1/summary",method="GET"',
  ]),
  ...family("llm_cost_ingest_calls_total", "counter", ['form="native",outcome="inserted"']),
  ...family("llm_cost_unknown_usage_members_total", "counter", ['provider="o",member="m"']),
  ...family("llm_cost_cache_answers_total", "counter", ['state="hit"']),
  ...histogram("llm_cost_database_query_duration_seconds", HTTP_BINS, [""]),
  ...family("llm_cost_database_errors_total", "counter", ['kind="timeout"']),
  ...family("llm_cost_database_connections", "gauge", ['state="active"']),
  ...[
    "llm_cost_database_connections_max",
    "llm_cost_database_locks_waiting",
    "llm_cost_database_cache_hit_ratio",
    "llm_cost_database_index_hit_ratio",
    "llm_cost_database_size_bytes",
    "llm_cost_database_longest_transaction_seconds",
    "llm_cost_rollup_lag_seconds",
    "llm_cost_rollup_partial_rows",
    "llm_cost_queue_backlog_messages",
    "llm_cost_queue_backlog_bytes",
    "llm_cost_queue_oldest_message_seconds",
    "llm_cost_dead_letters",
    "llm_cost_replica_lag_seconds",
    "llm_cost_catalogue_age_seconds",
    "llm_cost_catalogue_good_check_age_seconds",
    "llm_cost_audit_difference_usd",
    "llm_cost_audit_different_days",
    "llm_cost_redis_up",
    "llm_cost_snapshot_age_seconds",
  ].flatMap((name) => family(name, "gauge", [""])),
  ...family("llm_cost_database_deadlocks_total", "counter", [""]),
  ...family("llm_cost_cron_last_success_timestamp_seconds", "gauge", ['stage="merge"']),
  ...family("llm_cost_cron_failures_total", "counter", ['stage="merge"']),
  ...family("llm_cost_queue_messages_total", "counter", ['event="stored"']),
  "# TYPE llm_cost_queue_lag_seconds summary",
  "llm_cost_queue_lag_seconds_sum 1",
  "llm_cost_queue_lag_seconds_count 1",
  ...family("llm_cost_replica_questions_total", "counter", ['state="answered"']),
  ...family("llm_cost_catalogue_info", "gauge", ['version="v"']),
  ...family("llm_cost_catalogue_refused_info", "gauge", ['reason="r"']),
  ...family("llm_cost_usd_total", "counter", [DIMENSIONS]),
  ...family(
    "llm_tokens_total",
    "counter",
    ["input", "output", "cache_read"].map((type) => `${DIMENSIONS},type="${type}"`),
  ),
  ...family("llm_requests_total", "counter", [`${DIMENSIONS},status="ok"`]),
  ...histogram("llm_request_duration_seconds", LLM_BINS, [DIMENSIONS]),
  ...family("llm_cost_corrections_usd_total", "counter", ['project="p",sign="-"']),
  ...["llm_cost_usd_today", "llm_requests_today", "llm_unpriced_requests_today"].flatMap((name) =>
    family(name, "gauge", ['project="p"']),
  ),
  "",
].join("\n");

function family(name: string, type: string, series: string[]): string[] {
  return [`# TYPE ${name} ${type}`, ...series.map((labels) => `${name}{${labels}} 1`)];
}

function histogram(name: string, bins: number[], series: string[]): string[] {
  return [
    `# TYPE ${name} histogram`,
    ...series.flatMap((labels) => [
      ...[...bins, "+Inf"].map((le) => `${name}_bucket{${labels === "" ? "" : `${labels},`}le="${le}"} 1`),
      `${name}_sum{${labels}} 0.001`,
      `${name}_count{${labels}} 1`,
    ]),
  ];
}
