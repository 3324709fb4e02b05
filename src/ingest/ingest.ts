/** From decoded traces to an acknowledged write: price, store, and tell the caches. */
import { z } from "zod";
import type { Deps, KeepAlive } from "../deps.ts";
import type { Pricer } from "../pricing/cost.ts";
import { announceChange } from "../rollup/announce.ts";
import { count } from "../wire.ts";
import { type Decoded, ItemError } from "./trace.ts";
import type { Batch } from "./trace-writer.ts";
import type { Outcome, PricedTrace } from "./write.ts";

/** What became of a batch. */
export const Ingested = z
  .object({
    accepted: count.describe("`inserted` + `duplicates`, and what is no call; `accepted` + `rejected` = items sent."),
    inserted: count.describe("Stored and counted now."),
    duplicates: count.describe("Stored and counted before."),
    rejected: count,
    errors: z.array(ItemError),
  })
  .meta({ id: "Ingested" });
export type Ingested = z.infer<typeof Ingested>;

/**
 * When this returns, what is `accepted` is durable and counted.
 *
 * @throws DatabaseUnavailable when a part may not be stored; sending all of it again is safe.
 */
export async function ingest(deps: Deps, projectId: string, decoded: Decoded, keepAlive: KeepAlive): Promise<Ingested> {
  const nowMs = deps.now();
  const errors = [...decoded.errors];
  const indexes: number[] = [];
  const priced: PricedTrace[] = [];
  let pricer: Pricer | undefined;
  for (const [i, trace] of decoded.traces.entries()) {
    const index = decoded.indexes[i]!;
    pricer ??= await deps.prices.pricerFor(projectId, nowMs);
    try {
      priced.push({ trace, cost: pricer.costOf(trace) });
      indexes.push(index);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      errors.push({ index, code: "invalid", message: error.message });
    }
  }
  const rejected = errors.length;

  const { links = [] } = decoded;
  const empty = priced.length === 0 && links.length === 0;
  const outcomes = empty ? [] : await store(deps, projectId, { traces: priced, links }, nowMs, keepAlive);
  for (const [position, outcome] of outcomes.entries()) {
    if (outcome !== "conflict") continue;
    const message = "stored before with other content; the first stays";
    errors.push({ index: indexes[position]!, code: "conflict", message });
  }
  errors.sort((a, b) => a.index - b.index);
  const inserted = outcomes.filter((outcome) => outcome === "inserted").length;
  return { accepted: decoded.items - rejected, inserted, duplicates: priced.length - inserted, rejected, errors };
}

async function store(
  deps: Deps,
  projectId: string,
  batch: Batch,
  nowMs: number,
  keepAlive: KeepAlive,
): Promise<Outcome[]> {
  let earliestMs = batch.traces.reduce((earliest, { trace }) => Math.min(earliest, trace.startedAtMs), nowMs);
  try {
    const written = await deps.writer.write(projectId, batch, keepAlive);
    earliestMs = Math.min(earliestMs, written.earliestMs ?? nowMs);
    return written.outcomes;
  } finally {
    // Also after a failure, and for duplicates: an answer may have been lost after its write was committed.
    if (batch.traces.length > 0 || earliestMs < nowMs) await announceChange(deps, projectId, earliestMs, keepAlive);
  }
}
