/** From decoded traces to an acknowledged write: price, store, and tell the caches. */
import { sql } from "drizzle-orm";
import type { Deps, KeepAlive } from "../deps.ts";
import { moveEpoch, touchesClosedHour } from "../summary/cache.ts";
import type { Decoded, ItemError } from "./trace.ts";
import type { PricedTrace } from "./write.ts";

/** What became of a batch. accepted = inserted + duplicates (+ spans that are no calls); accepted + rejected = items. */
export interface Ingested {
  accepted: number;
  inserted: number;
  duplicates: number;
  rejected: number;
  errors: ItemError[];
}

/** A statement carries at most this much, well under the 10 MB that Neon takes. */
const MAX_STATEMENT_CHARS = 4_000_000;
/** Room in a statement for what a trace always has: ids, times, counts. */
const FIXED_CHARS = 400;

/**
 * When this returns, what is `accepted` is durable and counted.
 *
 * @throws DatabaseUnavailable when a part may not be stored; sending all of it again is safe.
 */
export async function ingest(deps: Deps, projectId: string, decoded: Decoded, keepAlive: KeepAlive): Promise<Ingested> {
  const nowMs = deps.now();
  const errors = [...decoded.errors];
  const indexes = indexesOf(decoded);
  const priced: (PricedTrace & { index: number })[] = [];
  for (const [i, trace] of decoded.traces.entries()) {
    try {
      priced.push({ trace, cost: deps.pricer.costOf(trace), index: indexes[i]! });
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      errors.push({ index: indexes[i]!, code: "invalid", message: error.message });
    }
  }
  const rejected = errors.length;

  let inserted = 0;
  for (const chunk of chunks(priced)) {
    const outcomes = await deps.writer.write(projectId, chunk, keepAlive);
    for (const [position, outcome] of outcomes.entries()) {
      if (outcome === "inserted") inserted++;
      if (outcome !== "conflict") continue;
      const { index } = chunk[position]!;
      errors.push({ index, code: "conflict", message: "stored before with other content; the first stays" });
    }
  }
  if (inserted > 0) {
    deps.mergeSignal.raise(nowMs, keepAlive);
    const earliestMs = priced.reduce(
      (earliest, { trace }) => Math.min(earliest, trace.startedAtMs),
      Number.POSITIVE_INFINITY,
    );
    if (touchesClosedHour(earliestMs, nowMs) && !(await moveEpoch(deps.redis, projectId))) {
      keepAlive(
        deps.db
          .query(sql`update projects set epoch_move_due_at = now() where id = ${projectId}::uuid`)
          .catch(() => undefined),
      );
    }
  }
  errors.sort((a, b) => a.index - b.index);
  return { accepted: decoded.items - rejected, inserted, duplicates: priced.length - inserted, rejected, errors };
}

/** The position of each trace among the items sent: those that are neither in error nor ignored. */
function indexesOf({ traces, errors }: Decoded): number[] {
  const refused = new Set(errors.map(({ index }) => index));
  const indexes: number[] = [];
  for (let index = 0; indexes.length < traces.length; index++) if (!refused.has(index)) indexes.push(index);
  return indexes;
}

/** Splits what would not fit one statement; parts commit one after the other. */
function* chunks<T extends PricedTrace>(priced: readonly T[]): Generator<T[]> {
  let chunk: T[] = [];
  let chars = 0;
  for (const item of priced) {
    const own = FIXED_CHARS + textChars(item.trace);
    if (chunk.length > 0 && chars + own > MAX_STATEMENT_CHARS) {
      yield chunk;
      chunk = [];
      chars = 0;
    }
    chunk.push(item);
    chars += own;
  }
  if (chunk.length > 0) yield chunk;
}

function textChars(trace: PricedTrace["trace"]): number {
  let chars = trace.clientId.length + trace.application.length + trace.environment.length + trace.model.length;
  for (const text of [
    trace.requestModel,
    trace.traceId,
    trace.spanId,
    trace.parentId,
    trace.responseId,
    trace.userId,
    trace.sessionId,
    trace.errorType,
  ]) {
    chars += text?.length ?? 0;
  }
  for (const key in trace.tags) chars += key.length + trace.tags[key]!.length;
  return chars;
}
