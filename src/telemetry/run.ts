/** Runs cron's work and batches of messages, times them, and tells observers how they ended. */
import type { KeepAlive } from "../keep-alive.ts";
import { type Observer, type RunEvent, tell } from "./observer.ts";
import type { SpanExporter } from "./spans.ts";
import { createTimings, timed } from "./timings.ts";
import { traceOf } from "./traceparent.ts";

export interface RunDeps {
  now: () => number;
  observers: readonly Observer[];
  /** Null if spans are not exported. */
  spans: SpanExporter | null;
}

/** @param run returns what the log line says of it. Its error is thrown on. */
export async function observeRun(
  { now, observers, spans }: RunDeps,
  kind: RunEvent["kind"],
  keepAlive: KeepAlive,
  run: () => Promise<RunEvent["counts"]>,
): Promise<void> {
  const startMs = now();
  const trace = traceOf(undefined, undefined, crypto.randomUUID(), spans?.rate ?? 0);
  const recorder = spans && trace.sampled ? spans.record(trace) : null;
  const timings = createTimings(recorder);
  let failure: unknown = null;
  let counts: RunEvent["counts"] = {};
  try {
    counts = await timed(timings, run);
  } catch (error) {
    failure = error ?? "unknown";
    throw error;
  } finally {
    const endMs = now();
    const event = { kind, durationMs: endMs - startMs, traceId: trace.traceId, failure, counts, timings };
    tell(observers, (observer) => observer.run?.(event));
    recorder?.end(
      {
        name: kind,
        kind: kind === "queue" ? "consumer" : "internal",
        startMs,
        endMs,
        attributes: {},
        errorType: failure === null ? null : failure instanceof Error ? failure.name : "unknown",
      },
      keepAlive,
    );
  }
}
