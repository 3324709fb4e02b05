/**
 * What queries select. Names such as `http_requests_total` are not ours alone, so every query names the jobs: one of the
 * Worker begins with `llm-cost`, one of node_exporter with `node`.
 */

/** In dashboards the reader chooses among the jobs. */
export interface Selection {
  worker: string;
  node: string;
  /** Also of one project or several. */
  business: string;
  /** The window of a rate. */
  window: string;
}

/** Projects have an id and a name. */
export const PROJECT = "project, project_name";

export const IN_RULES: Selection = {
  worker: 'job=~"llm-cost.*"',
  node: 'job=~"node.*"',
  business: 'job=~"llm-cost.*"',
  window: "5m",
};

export const IN_DASHBOARDS: Selection = {
  worker: 'job=~"$job"',
  node: 'job=~"node.*",instance=~"$node"',
  business: 'job=~"$job",project_name=~"$project"',
  window: "$__rate_interval",
};

/** Routes of the API; probes and pages are left out. */
export const API = 'route=~"/v1/.*|/api/.*"';
/** Routes that take in calls, or agents' own counters. */
export const INGEST =
  'method="POST",route=~"/v1/traces|/v1/logs|/v1/metrics|/v1/litellm|/api/public/otel/v1/(traces|metrics)"';
/** Questions that a person waits for. Exports and audits take as long as what they read. */
export const READS =
  'method="GET",route=~"/v1/summary|/v1/explain|/v1/coverage|/v1/doubles|/v1/traces.*|/v1/sessions.*|/v1/prices.*"';
