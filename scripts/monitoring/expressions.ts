/** Queries that dashboards and rules share, so that a panel shows what an alert judges. */
import { API, INGEST, PROJECT, READS, type Selection } from "./selectors.ts";

/** Requests a second, by job. @param which more labels, such as `status=~"5.."`. */
export function requestRate({ worker, window }: Selection, which = API): string {
  return `sum by (job) (rate(http_requests_total{${worker},${which}}[${window}]))`;
}

/** The share of requests that `bad` selects: 0 where there is none, nothing where there are no requests. */
export function requestShare(selection: Selection, which: string, bad: string): string {
  const all = requestRate(selection, which);
  return `(${requestRate(selection, `${which},${bad}`)} or 0 * ${all}) / ${all}`;
}

export function failedShare(selection: Selection): string {
  return requestShare(selection, API, 'status=~"5.."');
}

/** Requests to ingest that were turned away: more was offered than was taken. */
export function refusedIngestShare(selection: Selection): string {
  return requestShare(selection, INGEST, 'status=~"429|503"');
}

/** Seconds. @param by labels beside the job. */
export function quantile(q: number, histogram: string, selector: string, window: string, by: string[] = []): string {
  return `histogram_quantile(${q}, sum by (${["job", ...by, "le"].join(", ")}) (rate(${histogram}_bucket{${selector}}[${window}])))`;
}

export function requestQuantile(q: number, { worker, window }: Selection, which = API, by: string[] = []): string {
  return quantile(q, "http_request_duration_seconds", `${worker},${which}`, window, by);
}

export function queryQuantile(q: number, { worker, window }: Selection): string {
  return quantile(q, "llm_cost_database_query_duration_seconds", worker, window);
}

export function queueQuantile(q: number, { worker, window }: Selection): string {
  return quantile(q, "llm_cost_queue_lag_seconds", worker, window);
}

/** The share of requests that took longer than a bucket's bound. */
export function slowShare({ worker, window }: Selection, which: string, seconds: string): string {
  const rate = (name: string, more = ""): string =>
    `sum by (job) (rate(http_request_duration_seconds_${name}{${worker},${which}${more}}[${window}]))`;
  return `1 - ${rate("bucket", `,le="${seconds}"`)} / ${rate("count")}`;
}

/** Calls a second that are safe: stored, known already, or in the queue. */
export function ingestRate({ worker, window }: Selection): string {
  return `sum by (job) (rate(llm_cost_ingest_calls_total{${worker},outcome=~"inserted|duplicate|queued"}[${window}]))`;
}

export function connectionShare({ worker }: Selection): string {
  return `sum by (job) (llm_cost_database_connections{${worker}}) / max by (job) (llm_cost_database_connections_max{${worker}})`;
}

/** Of today, by project. */
export function unpricedShare({ business }: Selection): string {
  const sum = (name: string): string => `sum by (job, ${PROJECT}) (${name}{${business}})`;
  return `${sum("llm_unpriced_requests_today")} / ${sum("llm_requests_today")}`;
}

/** USD in the range, by job and project. */
export function spent({ business }: Selection, range: string, offset = ""): string {
  return `sum by (job, ${PROJECT}) (increase(llm_cost_usd_total{${business}}[${range}]${offset}))`;
}

export function cpuShare({ node, window }: Selection): string {
  return `1 - avg by (job, instance) (rate(node_cpu_seconds_total{${node},mode="idle"}[${window}]))`;
}

export function memoryUsed({ node }: Selection): string {
  return `node_memory_MemTotal_bytes{${node}} - node_memory_MemAvailable_bytes{${node}}`;
}

/** Of each disk; file systems that lie in memory are left out. */
export function diskUsedShare({ node }: Selection): string {
  const disks = `${node},fstype!~"tmpfs|ramfs|overlay|squashfs"`;
  return `1 - node_filesystem_avail_bytes{${disks}} / node_filesystem_size_bytes{${disks}}`;
}

export const readQuantile = (q: number, selection: Selection): string => requestQuantile(q, selection, READS);
export const ingestQuantile = (q: number, selection: Selection): string => requestQuantile(q, selection, INGEST);
