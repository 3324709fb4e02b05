/** The bounds of alerts and of the lines in dashboards. The first is a warning, the second is critical. */
export interface Bounds {
  warning: number;
  critical: number;
}

export const API_P95_SECONDS: Bounds = { warning: 0.2, critical: 0.5 };
/** Calls a second that must be stored where more are offered: fewer are too few. */
export const INGEST_RATE: Bounds = { warning: 1_000, critical: 500 };
export const DATABASE_P95_SECONDS: Bounds = { warning: 0.1, critical: 0.3 };
export const CPU_SHARE: Bounds = { warning: 0.7, critical: 0.9 };
/** On a machine of its own; a larger one needs larger bounds. */
export const MEMORY_BYTES: Bounds = { warning: 2e9, critical: 4e9 };
export const DISK_SHARE: Bounds = { warning: 0.8, critical: 0.9 };
export const FAILED_SHARE: Bounds = { warning: 0.01, critical: 0.05 };
export const CONNECTION_SHARE: Bounds = { warning: 0.8, critical: 0.95 };
export const ROLLUP_LAG_SECONDS: Bounds = { warning: 300, critical: 1_800 };
export const QUEUE_AGE_SECONDS: Bounds = { warning: 300, critical: 3_600 };
export const REPLICA_LAG_SECONDS: Bounds = { warning: 60, critical: 600 };
export const UNPRICED_SHARE: Bounds = { warning: 0.05, critical: 0.25 };
/** How many times the hourly mean of the day before. */
export const SPEND_TIMES: Bounds = { warning: 3, critical: 10 };
/** Less than this in an hour is no spike. */
export const SPEND_LEAST_USD = 1;
export const LONG_TRANSACTION_SECONDS: Bounds = { warning: 60, critical: 900 };
/** Hits of the buffer cache: fewer are too few. */
export const CACHE_HIT_RATIO = 0.9;
