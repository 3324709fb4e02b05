/** From decoded traces to what is acknowledged: priced, then stored, or given to the queue that stores them. */
import { z } from "zod";
import type { Deps, KeepAlive } from "../deps.ts";
import type { Pricer } from "../pricing/cost.ts";
import type { TraceQueue } from "../queue/queue.ts";
import { count } from "../wire.ts";
import { type Decoded, ItemError } from "./trace.ts";
import type { Batch } from "./trace-writer.ts";
import { store } from "./store.ts";
import type { PricedTrace } from "./write.ts";

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

/** What is known of a batch that a queue has. */
export const Queued = Ingested.pick({ rejected: true, errors: true })
  .extend({ accepted: count.describe("Will be stored and counted, once; `accepted` + `rejected` = items sent.") })
  .meta({ id: "Queued" });
export type Queued = z.infer<typeof Queued>;
const DAY_MS = 86_400_000;

const REMARKS = {
  conflict: { code: "conflict", message: "stored before with other content; the first stays" },
  expired: { code: "timestamp_range", message: "begins before the time from which on calls are kept" },
} as const;

/**
 * When this returns, what is `accepted` is durable; and counted, too, unless it is queued.
 *
 * @throws DatabaseUnavailable or QueueUnavailable when a part may be lost; sending all of it again is safe.
 */
export async function ingest(
  deps: Deps,
  projectId: string,
  decoded: Decoded,
  keepAlive: KeepAlive,
): Promise<Ingested | Queued> {
  const nowMs = deps.now();
  // A queue's consumer could tell nobody.
  const keptFromMs = nowMs - (deps.config.rawRetentionDays ?? Infinity) * DAY_MS;
  const errors = [...decoded.errors];
  const indexes: number[] = [];
  const priced: PricedTrace[] = [];
  let pricer: Pricer | undefined;
  for (const [i, trace] of decoded.traces.entries()) {
    const index = decoded.indexes[i]!;
    pricer ??= await deps.prices.pricerFor(projectId, nowMs, keepAlive);
    if (deps.queue !== null && trace.startedAtMs < keptFromMs) {
      errors.push({ index, ...REMARKS.expired });
      continue;
    }
    try {
      priced.push({ trace, cost: pricer.costOf(trace) });
      indexes.push(index);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      errors.push({ index, code: "invalid", message: error.message });
    }
  }

  const { links = [] } = decoded;
  const empty = priced.length === 0 && links.length === 0;
  if (deps.queue !== null) {
    const expired = empty ? [] : await enqueue(deps, deps.queue, projectId, { traces: priced, links }, keepAlive);
    for (const trace of expired) errors.push({ index: indexes[priced.indexOf(trace)]!, ...REMARKS.expired });
    errors.sort((a, b) => a.index - b.index);
    return { accepted: decoded.items - errors.length, rejected: errors.length, errors };
  }
  const outcomes = empty ? [] : await store(deps, projectId, { traces: priced, links }, keepAlive);
  for (const [position, outcome] of outcomes.entries()) {
    if (outcome !== "conflict" && outcome !== "expired") continue;
    errors.push({ index: indexes[position]!, ...REMARKS[outcome] });
  }
  errors.sort((a, b) => a.index - b.index);
  const inserted = outcomes.filter((outcome) => outcome === "inserted").length;
  const rejected = errors.filter(({ code }) => code !== "conflict").length;
  const duplicates = outcomes.filter((outcome) => outcome === "duplicate" || outcome === "conflict").length;
  return { accepted: decoded.items - rejected, inserted, duplicates, rejected, errors };
}

/** What is too large for a message is stored at once. Returns what of that cannot be, as it begins before calls are kept. */
async function enqueue(
  deps: Deps,
  queue: TraceQueue,
  projectId: string,
  batch: Batch,
  keepAlive: KeepAlive,
): Promise<PricedTrace[]> {
  const rest = await queue.send(projectId, batch);
  if (rest.traces.length + rest.links.length === 0) return [];
  const outcomes = await store(deps, projectId, rest, keepAlive);
  return rest.traces.filter((_, i) => outcomes[i] === "expired");
}
