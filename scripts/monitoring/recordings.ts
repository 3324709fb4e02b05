/** Recorded series that several alerts and panels need, or that read much. */
import {
  ingestRate,
  ingestQuantile,
  queryQuantile,
  refusedIngestShare,
  requestQuantile,
  spent,
} from "./expressions.ts";
import type { Group } from "./rule.ts";
import { IN_RULES } from "./selectors.ts";

export const API_P95 = "job:http_request_duration_seconds:p95_5m";
export const INGEST_P95 = "job:http_ingest_duration_seconds:p95_5m";
export const DATABASE_P95 = "job:llm_cost_database_query_duration_seconds:p95_5m";
export const INGESTED = "job:llm_cost_ingest_calls:rate5m";
export const REFUSED_INGEST = "job:http_ingest_refused:ratio_5m";
export const SPENT_HOUR = "job_project:llm_cost_usd:increase1h";
/** The mean of the 24 hours before the last one. */
export const SPENT_HOUR_BEFORE = "job_project:llm_cost_usd:hourly_mean1d";

export function recordingGroups(): Group[] {
  return [
    {
      name: "llm-cost-recordings",
      rules: [
        { record: API_P95, expr: requestQuantile(0.95, IN_RULES) },
        { record: INGEST_P95, expr: ingestQuantile(0.95, IN_RULES) },
        { record: DATABASE_P95, expr: queryQuantile(0.95, IN_RULES) },
        { record: INGESTED, expr: ingestRate(IN_RULES) },
        { record: REFUSED_INGEST, expr: refusedIngestShare(IN_RULES) },
        { record: SPENT_HOUR, expr: spent(IN_RULES, "1h") },
        { record: SPENT_HOUR_BEFORE, expr: `${spent(IN_RULES, "1d", " offset 1h")} / 24` },
      ],
    },
  ];
}
