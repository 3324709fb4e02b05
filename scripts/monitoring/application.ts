/** The dashboard of the application: service levels, requests, ingest, cron, cache, queue and the nodes below. */
import { badShareIn, BUDGET_LEFT } from "./burn-rate.ts";
import { type Dashboard, JOB, NODE, type Row } from "./dashboard.ts";
import {
  failedShare,
  ingestQuantile,
  queueQuantile,
  readQuantile,
  refusedIngestShare,
  requestQuantile,
} from "./expressions.ts";
import { gauge, graph, quantiles, rate, stat, table } from "./declare.ts";
import { nodes } from "./nodes.ts";
import { API, IN_DASHBOARDS, INGEST } from "./selectors.ts";
import * as bounds from "./thresholds.ts";

const { worker } = IN_DASHBOARDS;

const levels: Row = {
  title: "Service levels",
  panels: [
    stat("Error budget left in 30 days", "percentunit", [[`${BUDGET_LEFT}{${worker}}`, "{{slo}}"]], {
      description: "Below 0 the objective is missed.",
      bounds: { warning: 0.25, critical: 0 },
    }),
    graph("Bad share in an hour", "percentunit", [[`${badShareIn("1h")}{${worker}}`, "{{slo}}"]]),
    graph("Bad share in three days", "percentunit", [[`${badShareIn("3d")}{${worker}}`, "{{slo}}"]]),
  ],
};

const requests: Row = {
  title: "Requests",
  panels: [
    graph("By route", "reqps", [rate("http_requests_total", "method, route")], { stacked: true }),
    graph("By status", "reqps", [rate("http_requests_total", "status")], { stacked: true }),
    graph("5xx", "percentunit", [[failedShare(IN_DASHBOARDS), "{{job}}"]], { bounds: bounds.FAILED_SHARE }),
    graph("Latency of the API", "s", quantiles(requestQuantile), { bounds: bounds.API_P95_SECONDS }),
    graph("p95 by route", "s", [
      [requestQuantile(0.95, IN_DASHBOARDS, API, ["method", "route"]), "{{method}} {{route}}"],
    ]),
    graph("Latency of questions", "s", quantiles(readQuantile), { bounds: bounds.API_P95_SECONDS }),
  ],
};

const ingest: Row = {
  title: "Ingest",
  panels: [
    graph("Calls by form", "cps", [rate("llm_cost_ingest_calls_total", "form")], {
      stacked: true,
      bounds: bounds.INGEST_RATE,
    }),
    graph("Calls by outcome", "cps", [rate("llm_cost_ingest_calls_total", "outcome")], { stacked: true }),
    graph("Points of agents' own counters by outcome", "cps", [rate("llm_cost_ingest_points_total", "outcome")], {
      stacked: true,
    }),
    graph("Latency of ingest", "s", quantiles(ingestQuantile), { bounds: bounds.API_P95_SECONDS }),
    graph("Requests turned away", "percentunit", [[refusedIngestShare(IN_DASHBOARDS), "{{job}}"]], {
      description: "429 and 503: more is offered than is taken.",
    }),
    graph("Requests to ingest", "reqps", [rate("http_requests_total", "route", `,${INGEST}`)], { stacked: true }),
    graph("Members of usage objects that no rule reads", "cps", [
      rate("llm_cost_unknown_usage_members_total", "provider, member"),
    ]),
  ],
};

const ledger: Row = {
  title: "Rollups, cron, cache",
  panels: [
    graph("Rollup lag", "s", [gauge("llm_cost_rollup_lag_seconds")], { bounds: bounds.ROLLUP_LAG_SECONDS }),
    graph("Partial rows that wait to be merged", "short", [gauge("llm_cost_rollup_partial_rows")]),
    graph("Time since cron's last success", "s", [
      [`time() - max by (job, stage) (llm_cost_cron_last_success_timestamp_seconds{${worker}})`, "{{stage}}"],
    ]),
    graph("Failures of cron", "cps", [rate("llm_cost_cron_failures_total", "stage")]),
    graph("Answers by the cache's state", "ops", [rate("llm_cost_cache_answers_total", "state")], { stacked: true }),
    stat("Audit: difference of rollups and calls", "currencyUSD", [gauge("llm_cost_audit_difference_usd")]),
    stat("Audit: days that differ", "short", [gauge("llm_cost_audit_different_days")], {
      bounds: { warning: 0.5, critical: 1 },
    }),
    stat("Redis", "none", [[`min by (job) (llm_cost_redis_up{${worker}})`, "{{job}}"]], {
      description: "1 is up. If it is down, answers are right and slower, and most metrics are missing.",
      bounds: { warning: 1, critical: 0.5 },
    }),
    graph("Age of the snapshot of gauges", "s", [gauge("llm_cost_snapshot_age_seconds")], {
      description: "It grows while nobody calls: the database sleeps then.",
    }),
    table("Price catalogue in use", "none", `max by (job, version) (llm_cost_catalogue_info{${worker}})`),
    graph("Age of the catalogue", "s", [
      gauge("llm_cost_catalogue_age_seconds", "{{job}} in use"),
      gauge("llm_cost_catalogue_good_check_age_seconds", "{{job}} last good look"),
    ]),
    table("Catalogue that was refused", "none", `max by (job, reason) (llm_cost_catalogue_refused_info{${worker}})`),
  ],
};

const queue: Row = {
  title: "Queue (queue mode)",
  panels: [
    graph("Messages that wait", "short", [gauge("llm_cost_queue_backlog_messages")]),
    graph("Bytes that wait", "decbytes", [gauge("llm_cost_queue_backlog_bytes")]),
    graph("Age of the oldest message", "s", [gauge("llm_cost_queue_oldest_message_seconds")], {
      bounds: bounds.QUEUE_AGE_SECONDS,
    }),
    graph("Messages by event", "cps", [rate("llm_cost_queue_messages_total", "event")]),
    graph("Time from sending to storing", "s", quantiles(queueQuantile)),
    stat("Dead letters", "short", [gauge("llm_cost_dead_letters")], { bounds: { warning: 0.5, critical: 1 } }),
  ],
};

export const APPLICATION: Dashboard = {
  uid: "llm-cost-application",
  title: "LLM costs: application",
  description: "Whether requests are answered, fast and right.",
  variables: [JOB, NODE],
  rows: [levels, requests, ingest, ledger, queue, nodes],
};
