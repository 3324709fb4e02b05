/**
 * What can be looked at: each metric by its name in an address, its title, and where a summary has it. Only sums add up
 * over groups and time; rates and percentiles do not.
 */
import type { components } from "../api.d.ts";
import { picoOf, usdOf } from "../money.ts";

export type Sums = components["schemas"]["Sums"];

/** A decimal string is money. Null is unknown. */
export type Figure = string | number | null;

export interface Metric {
  name: string;
  title: string;
  unit: "usd" | "count" | "share" | "ms";
  isSum: boolean;
  /** The part of a summary that has it. */
  include: "latency" | "rates" | null;
  /** The sum that chooses the top groups. */
  order: string;
  of: (sums: Sums) => Figure;
}

type Latency = NonNullable<Sums["latency_ms"]>;
type CountName = { [N in keyof Sums]-?: Sums[N] extends number ? N : never }[keyof Sums];

export const METRICS: readonly Metric[] = [
  money("cost_usd", "Cost"),
  count("requests", "Requests"),
  count("total_tokens", "Tokens"),
  count("input_tokens", "Input tokens"),
  count("output_tokens", "Output tokens"),
  count("cache_read_tokens", "Cache read tokens"),
  count("cache_write_tokens", "Cache write tokens"),
  count("reasoning_tokens", "Reasoning tokens"),
  count("errors", "Errors"),
  { ...rate("error_rate", "Error rate", "errors"), unit: "share" },
  { ...rate("cache_hit_rate", "Cache hit rate", "cache_read_tokens"), unit: "share" },
  rate("cache_savings_estimate_usd", "Saved by caches, about", "cache_read_tokens"),
  rate("cost_per_request_usd", "Cost per request", "cost_usd"),
  rate("cost_per_1k_tokens_usd", "Cost per 1,000 tokens", "cost_usd"),
  latency("p50", "Latency, p50"),
  latency("p90", "Latency, p90"),
  latency("p95", "Latency, p95"),
  latency("p99", "Latency, p99"),
  latency("mean", "Latency, mean"),
  latency("max", "Latency, longest"),
  money("recorded_cost_usd", "Cost as first recorded"),
  money("reported_cost_usd", "Cost as reported"),
  count("reported_requests", "Requests with a reported cost"),
  money("inexact_cost_usd", "Cost that is not exact"),
  count("inexact_requests", "Requests with a cost that is not exact"),
  count("unpriced_requests", "Requests without a price"),
  count("unpriced_tokens", "Tokens without a price"),
];

export function metricNamed(name: string): Metric | null {
  return METRICS.find((metric) => metric.name === name) ?? null;
}

type MoneyName = "cost_usd" | "recorded_cost_usd" | "reported_cost_usd" | "inexact_cost_usd";

function money(name: MoneyName, title: string): Metric {
  return { name, title, unit: "usd", isSum: true, include: null, order: name, of: (sums) => sums[name] };
}

function count(name: CountName, title: string): Metric {
  return { name, title, unit: "count", isSum: true, include: null, order: name, of: (sums) => sums[name] };
}

function rate(
  name:
    | "error_rate"
    | "cache_hit_rate"
    | "cache_savings_estimate_usd"
    | "cost_per_request_usd"
    | "cost_per_1k_tokens_usd",
  title: string,
  order: string,
): Metric {
  return { name, title, unit: "usd", isSum: false, include: "rates", order, of: (sums) => sums[name] ?? null };
}

function latency(name: keyof Latency, title: string): Metric {
  const of = (sums: Sums): Figure => sums.latency_ms?.[name] ?? null;
  return { name, title, unit: "ms", isSum: false, include: "latency", order: "requests", of };
}

/** For what is drawn only. */
export function drawn(figure: Figure): number | null {
  return figure === null ? null : Number(figure);
}

/** The exact sum of two figures of one metric. What is unknown adds nothing. */
export function plus(a: Figure, b: Figure): Figure {
  if (a === null) return b;
  if (b === null) return a;
  return typeof a === "string" ? usdOf(picoOf(a) + picoOf(String(b))) : a + Number(b);
}

/** Null if one of them is unknown. */
export function difference(now: Figure, before: Figure): Figure {
  if (now === null || before === null) return null;
  if (typeof now === "string") return usdOf(picoOf(now) - picoOf(String(before)));
  // Shares have six decimals, and times a few digits: what floats add to them is noise.
  return Number((now - Number(before)).toPrecision(12));
}

/** The order of two figures, exactly. What is unknown comes last in both directions. */
export function compare(a: Figure, b: Figure, direction: 1 | -1): number {
  if (a === b) return 0;
  if (a === null || b === null) return a === null ? 1 : -1;
  if (typeof a === "number" && typeof b === "number") return (a - b) * direction;
  const off = Number(a) - Number(b);
  // Floats tell large differences, and only close ones need integers.
  if (Math.abs(off) > Math.abs(Number(a)) * 1e-9) return Math.sign(off) * direction;
  const [x, y] = [picoOf(String(a)), picoOf(String(b))];
  return (x < y ? -1 : x > y ? 1 : 0) * direction;
}
