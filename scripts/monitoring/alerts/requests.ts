/** Whether the application answers, takes calls in and loses none. */
import { failedShare } from "../expressions.ts";
import { API_P95, INGESTED, REFUSED_INGEST } from "../recordings.ts";
import { IN_RULES } from "../selectors.ts";
import * as bounds from "../thresholds.ts";
import { type Declared, gauge, over, worker } from "./declared.ts";

export const REQUESTS: Declared[] = [
  {
    alert: "LlmCostMetricsMissing",
    expr: `absent(up{${worker}})`,
    for: "10m",
    summary: "Nothing is scraped",
    description: "Prometheus knows no job whose name begins with llm-cost.",
  },
  {
    alert: "LlmCostDown",
    expr: `up{${worker}} == 0`,
    for: "5m",
    summary: "{{ $labels.job }} does not answer on /metrics",
    description: "The scrape of {{ $labels.instance }} fails.",
  },
  {
    alert: "LlmCostApiSlow",
    expr: over(API_P95),
    bounds: bounds.API_P95_SECONDS,
    for: "10m",
    summary: "The API is slow",
    description: "The p95 of {{ $labels.job }} is {{ $value | humanizeDuration }}.",
  },
  {
    alert: "LlmCostApiFails",
    expr: over(failedShare(IN_RULES)),
    bounds: bounds.FAILED_SHARE,
    for: "10m",
    summary: "The API fails",
    description: "{{ $value | humanizePercentage }} of the answers of {{ $labels.job }} are 5xx.",
  },
  {
    alert: "LlmCostIngestTooSlow",
    // What was offered is known to be more if requests are turned away, or wait in the queue.
    expr: (bound) =>
      `${INGESTED} < ${bound} and on (job) ` +
      `(${REFUSED_INGEST} > 0.01 or ${gauge("llm_cost_queue_oldest_message_seconds")} > 60)`,
    bounds: bounds.INGEST_RATE,
    for: "10m",
    summary: "More calls are offered than are stored",
    description:
      "{{ $labels.job }} takes {{ $value | humanize }} calls a second, and turns others away or lets them wait.",
  },
  {
    alert: "LlmCostQueueLags",
    expr: over(gauge("llm_cost_queue_oldest_message_seconds")),
    bounds: bounds.QUEUE_AGE_SECONDS,
    for: "5m",
    summary: "Calls wait in the queue",
    description: "The oldest message of {{ $labels.job }} waits for {{ $value | humanizeDuration }}.",
  },
  {
    alert: "LlmCostDeadLetters",
    expr: `${gauge("llm_cost_dead_letters")} > 0`,
    severity: "critical",
    summary: "Acknowledged calls are not counted",
    description: "{{ $value }} dead letters wait at {{ $labels.job }}: look at GET /v1/dead-letters, then replay them.",
  },
];
