/** From decoded calls to the acknowledgement: calls are priced, then stored or given to a queue. */
import { type PriceBooks } from "../pricing/price-books.ts";
import { type RecordDeps, recordCalls } from "../write/record.ts";
import { DAY_MS } from "../time.ts";
import { z } from "zod";
import type { KeepAlive } from "../keep-alive.ts";
import type { Pricer } from "../pricing/cost.ts";
import type { CallQueue } from "../queue/queue.ts";
import { count } from "../wire.ts";
import { type Decoded, ItemError } from "./decode/decoded.ts";
import type { Batch } from "../write/write-batch.ts";
import type { PricedCall } from "../write/columns.ts";
import type { UnknownMembers } from "./unknown-members.ts";

export interface IngestDeps extends RecordDeps {
  config: { rawRetentionDays: number | undefined };
  prices: PriceBooks;
  /** Null in direct mode. */
  queue: CallQueue | null;
  unknownMembers: UnknownMembers;
}

/** The outcome of a batch. */
export const Ingested = z
  .object({
    accepted: count.describe(
      "The number of items that are `inserted`, `duplicates` or not calls. `accepted` + `rejected` is the number of items sent.",
    ),
    inserted: count.describe("The number of calls that were stored and counted now."),
    duplicates: count.describe("The number of calls that had been stored and counted before."),
    rejected: count.describe("The number of items that were refused. `errors` says why."),
    errors: z.array(ItemError),
  })
  .meta({ id: "Ingested" });
export type Ingested = z.infer<typeof Ingested>;

/** The outcome of a batch that was given to a queue. */
export const Queued = Ingested.pick({ rejected: true, errors: true })
  .extend({
    accepted: count.describe(
      "The number of items that were taken. Their calls will be stored and counted once. `accepted` + `rejected` is the number of items sent.",
    ),
  })
  .meta({ id: "Queued" });
export type Queued = z.infer<typeof Queued>;

const REMARKS = {
  conflict: {
    code: "conflict",
    message: "this call is already stored with other content; the stored call stays as it is",
  },
  expired: { code: "timestamp_range", message: "the call begins before the time from which calls are kept" },
} as const;

/**
 * Prices the decoded calls and stores them, or gives them to the queue. When this returns, the `accepted` calls are
 * durable. Unless they are queued, they are counted too.
 *
 * @throws DatabaseUnavailable or QueueUnavailable if a part may be lost. Sending all of it again is safe.
 */
export async function ingest(
  deps: IngestDeps,
  projectId: string,
  decoded: Decoded,
  keepAlive: KeepAlive,
): Promise<Ingested | Queued> {
  const nowMs = deps.now();
  // The queue's consumer could not tell the sender that a call is too old, so it is checked here.
  const keptFromMs = nowMs - (deps.config.rawRetentionDays ?? Infinity) * DAY_MS;
  const errors = [...decoded.errors];
  const indexes: number[] = [];
  const priced: PricedCall[] = [];
  let pricer: Pricer | undefined;
  for (const [i, call] of decoded.calls.entries()) {
    const index = decoded.indexes[i]!;
    pricer ??= await deps.prices.pricerFor(projectId, nowMs, keepAlive);
    if (deps.queue !== null && call.startedAtMs < keptFromMs) {
      errors.push({ index, ...REMARKS.expired });
      continue;
    }
    try {
      const cost = pricer.costOf(call);
      priced.push({ call, cost });
      deps.unknownMembers.note(cost.provider, call.unknownUsageMembers);
      indexes.push(index);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      errors.push({ index, code: "invalid", message: error.message });
    }
  }

  const { links = [] } = decoded;
  const empty = priced.length === 0 && links.length === 0;
  if (deps.queue !== null) {
    const expired = empty ? [] : await enqueue(deps, deps.queue, projectId, { calls: priced, links }, keepAlive);
    for (const call of expired) errors.push({ index: indexes[priced.indexOf(call)]!, ...REMARKS.expired });
    errors.sort((a, b) => a.index - b.index);
    return { accepted: decoded.items - errors.length, rejected: errors.length, errors };
  }
  const outcomes = empty ? [] : await recordCalls(deps, projectId, { calls: priced, links }, keepAlive);
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

/**
 * Sends a batch to the queue. Calls and links that are too large for a message are stored at once.
 *
 * @returns the calls among these that begin before the retention bound, and so were not stored.
 */
async function enqueue(
  deps: IngestDeps,
  queue: CallQueue,
  projectId: string,
  batch: Batch,
  keepAlive: KeepAlive,
): Promise<PricedCall[]> {
  const rest = await queue.send(projectId, batch);
  if (rest.calls.length + rest.links.length === 0) return [];
  const outcomes = await recordCalls(deps, projectId, rest, keepAlive);
  return rest.calls.filter((_, i) => outcomes[i] === "expired");
}
