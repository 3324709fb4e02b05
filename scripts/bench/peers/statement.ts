/** The questions of `../questions.ts` in the SQL of other designs. */
import type { SummaryQuery } from "../../../src/summary/query.ts";
import { HOUR_MS } from "../../../src/time.ts";

/** What a peer's statements read. */
export interface Source {
  instant(ms: number): string;
  /** Epoch seconds of the start of the hour or day of `started_at`. */
  startOf(interval: "hour" | "day", zone: string): string;
  /** What stands after FROM: all that starts in the range. */
  between(fromMs: number, toMs: number): string;
  requests: string;
  /** Sum, the four `PERCENTILES` as a list, and maximum, in microseconds. Null where nothing would be right. */
  latency: readonly [string, string, string] | null;
}

/** Of a call. */
export const KEYS = ["application", "environment", "provider", "model", "operation"] as const;
export const PERCENTILES = [0.5, 0.9, 0.95, 0.99];
export const SUMS = ["input_tokens", "output_tokens", "cache_read_tokens", "cost_usd"] as const;

/** Its columns: the interval's start, the keys, the requests, the sums, the latency. Null if it has no right answer. */
export function statementOf(source: Source, query: SummaryQuery): string | null {
  const { interval, zone, groupBy, include, fromMs, toMs } = query;
  if (interval === "week" || interval === "month") throw new Error(`no question is by ${interval}`);
  const wantsLatency = include.includes("latency");
  if (wantsLatency && source.latency === null) return null;
  const keys = [...(interval === "none" ? [] : [source.startOf(interval, zone.name)]), ...groupBy];
  const values = [source.requests, ...SUMS.map((name) => `sum(${name})`), ...(wantsLatency ? source.latency! : [])];
  const grouped = keys.length === 0 ? "" : `\ngroup by ${keys.map((_, i) => i + 1).join(", ")}`;
  return `select ${[...keys, ...values].join(", ")}\nfrom ${source.between(fromMs, toMs)}${grouped}`;
}

/** All calls of the range, one by one. */
export function callsBetween(calls: string, instant: Source["instant"]): Source["between"] {
  return (fromMs, toMs) => `${calls} where ${within(instant, fromMs, toMs)}`;
}

/** The whole hours of the range, and the calls at its edges, as the ledger answers itself. */
export function hoursBetween(hours: string, calls: string, instant: Source["instant"]): Source["between"] {
  return (fromMs, toMs) => {
    const [firstMs, lastMs] = [Math.ceil(fromMs / HOUR_MS) * HOUR_MS, Math.floor(toMs / HOUR_MS) * HOUR_MS];
    const whole = `${hours} where ${within(instant, firstMs, lastMs)}`;
    if (firstMs === fromMs && lastMs === toMs) return whole;
    const columns = ["started_at", ...KEYS].join(", ");
    const edges = `(${within(instant, fromMs, firstMs)}) or (${within(instant, lastMs, toMs)})`;
    return `(
  select ${columns}, requests, ${SUMS.join(", ")} from ${whole}
  union all
  select ${columns}, 1 as requests, ${SUMS.join(", ")} from ${calls} where ${edges}
) as parts`;
  };
}

function within(instant: Source["instant"], fromMs: number, toMs: number): string {
  return `started_at >= ${instant(fromMs)} and started_at < ${instant(toMs)}`;
}
