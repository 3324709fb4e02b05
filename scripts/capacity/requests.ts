/** How a second's traces travel: in requests, messages and statements. */
import type { Day } from "./traffic.ts";
import type { Scenario } from "./scenario.ts";

/** Of Cloudflare's Queues; a KB is 1,000 bytes. https://developers.cloudflare.com/queues/platform/limits/ */
export const MESSAGE_BYTES = 128_000;
/** The consumer's write is no larger than the benchmark's. */
export const TRACES_PER_CONSUMER_WRITE = 1_000;

export interface Second {
  traces: number;
  requests: number;
  messages: number;
  statements: number;
  reads: number;
}

/** A request carries the traces of one second of one region, at most `batch`. */
export function secondOf(day: Day, at: number, { batch, payloadBytes, mode }: Scenario): Second {
  const second: Second = { traces: 0, requests: 0, messages: 0, statements: 0, reads: 0 };
  for (const [region, byRegion] of day.traces.entries()) {
    const traces = byRegion[at]!;
    const requests = Math.ceil(traces / batch);
    second.traces += traces;
    second.requests += requests;
    second.reads += day.reads[region]![at]!;
    if (mode === "queue" && requests > 0) {
      second.messages += requests * messagesPerRequest(traces / requests, payloadBytes);
    }
  }
  second.statements = mode === "queue" ? Math.ceil(second.traces / TRACES_PER_CONSUMER_WRITE) : second.requests;
  return second;
}

function messagesPerRequest(traces: number, payloadBytes: number): number {
  return Math.ceil(traces / Math.max(1, Math.floor(MESSAGE_BYTES / payloadBytes)));
}
