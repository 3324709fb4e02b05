/** The dashboard of the database: what the Worker waits for, what the server says of itself, and the machine below. */
import { type Dashboard, JOB, NODE, type Row } from "./dashboard.ts";
import { gauge, graph, quantiles, rate, stat } from "./declare.ts";
import { connectionShare, queryQuantile } from "./expressions.ts";
import { nodes } from "./nodes.ts";
import { IN_DASHBOARDS } from "./selectors.ts";
import * as bounds from "./thresholds.ts";

const { worker, window } = IN_DASHBOARDS;
const size = `max by (job) (llm_cost_database_size_bytes{${worker}})`;

const queries: Row = {
  title: "Queries, as the Worker waits for them",
  panels: [
    graph("Query time", "s", quantiles(queryQuantile), { bounds: bounds.DATABASE_P95_SECONDS }),
    graph("Queries", "ops", [
      [`sum by (job) (rate(llm_cost_database_query_duration_seconds_count{${worker}}[${window}]))`, "{{job}}"],
    ]),
    graph("Errors by kind", "ops", [rate("llm_cost_database_errors_total", "kind")]),
  ],
};

const server: Row = {
  title: "Server",
  panels: [
    graph(
      "Connections",
      "short",
      [
        [`max by (job, state) (llm_cost_database_connections{${worker}})`, "{{state}}"],
        gauge("llm_cost_database_connections_max", "at most"),
      ],
      { description: "A pool that is too small shows as connections near the limit, and as query time." },
    ),
    graph("Connections in use", "percentunit", [[connectionShare(IN_DASHBOARDS), "{{job}}"]], {
      bounds: bounds.CONNECTION_SHARE,
    }),
    graph("Locks that are waited for", "short", [gauge("llm_cost_database_locks_waiting")]),
    graph("Deadlocks", "ops", [
      [`sum by (job) (rate(llm_cost_database_deadlocks_total{${worker}}[${window}]))`, "{{job}}"],
    ]),
    graph("Longest transaction", "s", [gauge("llm_cost_database_longest_transaction_seconds")], {
      bounds: bounds.LONG_TRANSACTION_SECONDS,
    }),
    graph("Found in memory", "percentunit", [
      gauge("llm_cost_database_cache_hit_ratio", "tables"),
      gauge("llm_cost_database_index_hit_ratio", "indexes"),
    ]),
    graph("Size", "bytes", [[size, "{{job}}"]]),
    stat("Growth a day", "bytes", [
      [`86400 * max by (job) (deriv(llm_cost_database_size_bytes{${worker}}[$__range]))`, "{{job}}"],
    ]),
    graph("Partial rows that wait to be merged", "short", [gauge("llm_cost_rollup_partial_rows")]),
  ],
};

const replica: Row = {
  title: "Replica",
  panels: [
    graph("Questions by the replica's state", "ops", [rate("llm_cost_replica_questions_total", "state")], {
      stacked: true,
    }),
    graph("Lag", "s", [gauge("llm_cost_replica_lag_seconds")], { bounds: bounds.REPLICA_LAG_SECONDS }),
  ],
};

export const DATABASE: Dashboard = {
  uid: "llm-cost-database",
  title: "LLM costs: database",
  description: "How long queries take, and why.",
  variables: [JOB, NODE],
  rows: [queries, server, replica, nodes],
};
