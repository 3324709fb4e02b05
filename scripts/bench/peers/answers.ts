/** Whether two designs say the same: all keys, counts, costs and means to the digit, percentiles within what they promise. */
import { LATENCY_NAMES } from "../../../src/rollup/latency.ts";
import type { SummaryQuery } from "../../../src/summary/query.ts";
import type { Summary } from "../../../src/summary/shown.ts";

/** What the ledger's percentiles may be off. */
const OUR_ERROR = 0.01;
/** Where ranks are rounded differently, the percentile is the next call's. */
const NEXT_RANK = 0.005;

/** One row of an answer. */
export interface Line {
  /** Interval, keys and what must be equal. */
  exact: string;
  /** In ms. */
  percentiles: number[];
}

export function ourLines({ rows }: Summary, { interval, groupBy }: SummaryQuery): Line[] {
  return rows.map((row) => {
    const start = interval === "none" ? [] : [Date.parse(row["bucket"] as string) / 1_000];
    const sums = [row.requests, row.input_tokens, row.output_tokens, row.cache_read_tokens, row.cost_usd];
    const [mean, ...percentiles] = LATENCY_NAMES.flatMap((name) => row.latency_ms?.[name] ?? []);
    return { exact: [...start, ...groupBy.map((key) => row[key]), ...sums, mean ?? ""].join(" "), percentiles };
  });
}

/** @param rows of a statement of `statementOf` */
export function theirLines(rows: readonly unknown[][], { interval, groupBy }: SummaryQuery): Line[] {
  const keys = (interval === "none" ? 0 : 1) + groupBy.length;
  return rows.map((cells) => {
    const [requests, input, output, cached, cost, sumUs, percentilesUs, maxUs] = cells.slice(keys);
    const mean = sumUs === undefined ? "" : Math.round(Number(sumUs) / Number(requests)) / 1_000;
    const us = sumUs === undefined ? [] : [...(percentilesUs as unknown[]), maxUs];
    return {
      exact: [...cells.slice(0, keys), requests, input, output, cached, plainDecimal(String(cost)), mean].join(" "),
      percentiles: us.map((value) => Number(value) / 1_000),
    };
  });
}

function plainDecimal(text: string): string {
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

/**
 * @param error what their percentiles may be off.
 * @throws when they say otherwise than the ledger.
 */
export function expectSame(what: string, ours: readonly Line[], theirs: readonly Line[], error: number): void {
  if (ours.length === 0) throw new Error(`${what}: the summary has no rows`);
  const [mine, other] = [ours, theirs].map((lines) => lines.toSorted((a, b) => (a.exact < b.exact ? -1 : 1)));
  for (let i = 0; i < Math.max(ours.length, theirs.length); i++) {
    const [a, b] = [mine![i], other![i]];
    if (a?.exact !== b?.exact) throw new Error(`${what} says "${b?.exact}", the summary "${a?.exact}"`);
    for (const [at, percentile] of b!.percentiles.entries()) {
      const off = Math.abs(percentile / a!.percentiles[at]! - 1);
      // Not `>`: a percentile that is missing is off, too.
      if (!(off <= OUR_ERROR + error + NEXT_RANK))
        throw new Error(`${what}: "${b!.exact}" has the percentile ${percentile} ms, ours ${a!.percentiles[at]} ms`);
    }
    if (a!.percentiles.length !== b!.percentiles.length) throw new Error(`${what}: other percentiles`);
  }
}
