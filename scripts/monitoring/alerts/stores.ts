/** Whether the database, its replica and Redis are well. */
import { connectionShare } from "../expressions.ts";
import { DATABASE_P95 } from "../recordings.ts";
import { IN_RULES } from "../selectors.ts";
import * as bounds from "../thresholds.ts";
import { type Declared, callsComeIn, gauge, increase, over, worker } from "./declared.ts";

export const STORES: Declared[] = [
  {
    alert: "LlmCostDatabaseSlow",
    expr: over(DATABASE_P95),
    bounds: bounds.DATABASE_P95_SECONDS,
    for: "10m",
    summary: "The database is slow",
    description: "The p95 of {{ $labels.job }}'s queries is {{ $value | humanizeDuration }}.",
  },
  {
    alert: "LlmCostDatabaseErrors",
    expr: `${increase("llm_cost_database_errors_total", "5m", ", kind")} > 5`,
    severity: "warning",
    for: "5m",
    summary: "Queries fail",
    description: "{{ $value | humanize }} queries of {{ $labels.job }} failed in 5 minutes: {{ $labels.kind }}.",
  },
  {
    alert: "LlmCostConnectionsShort",
    expr: over(connectionShare(IN_RULES)),
    bounds: bounds.CONNECTION_SHARE,
    for: "5m",
    summary: "Connections to the database run short",
    description: "{{ $value | humanizePercentage }} of those that {{ $labels.job }}'s database allows are open.",
  },
  {
    alert: "LlmCostLocksWait",
    expr: `${gauge("llm_cost_database_locks_waiting")} > 5`,
    severity: "warning",
    for: "5m",
    summary: "Statements wait for locks",
    description: "{{ $value }} at {{ $labels.job }}: GET /v1/admin/database names them.",
  },
  {
    alert: "LlmCostDeadlocks",
    expr: `${increase("llm_cost_database_deadlocks_total", "15m")} > 0`,
    severity: "warning",
    summary: "Transactions deadlock",
    description: "{{ $value | humanize }} in 15 minutes at {{ $labels.job }}. They are tried again; no call is lost.",
  },
  {
    alert: "LlmCostLongTransaction",
    expr: over(gauge("llm_cost_database_longest_transaction_seconds")),
    bounds: bounds.LONG_TRANSACTION_SECONDS,
    for: "1m",
    summary: "A transaction does not end",
    description:
      "It is open for {{ $value | humanizeDuration }} at {{ $labels.job }}, and keeps dead rows from being removed.",
  },
  {
    alert: "LlmCostCacheMisses",
    expr: `${gauge("llm_cost_database_cache_hit_ratio")} < ${bounds.CACHE_HIT_RATIO}`,
    severity: "warning",
    for: "1h",
    summary: "The database reads from disk",
    description: "{{ $value | humanizePercentage }} of the blocks of {{ $labels.job }} are found in memory.",
  },
  {
    alert: "LlmCostReplicaLags",
    expr: over(gauge("llm_cost_replica_lag_seconds")),
    bounds: bounds.REPLICA_LAG_SECONDS,
    for: "5m",
    summary: "The replica lags",
    description: "By {{ $value | humanizeDuration }} at {{ $labels.job }}. The primary answers in its place.",
  },
  {
    alert: "LlmCostRedisDown",
    expr: `min by (job) (llm_cost_redis_up{${worker}}) == 0`,
    severity: "warning",
    for: "5m",
    summary: "Redis is down",
    description: "Answers of {{ $labels.job }} stay right, and are slower. Most metrics are missing.",
  },
  {
    alert: "LlmCostSnapshotStale",
    expr: `${gauge("llm_cost_snapshot_age_seconds")} > 900 ${callsComeIn}`,
    severity: "warning",
    for: "5m",
    summary: "Gauges are old",
    description: "The snapshot of {{ $labels.job }} is {{ $value | humanizeDuration }} old although calls come in.",
  },
];
