/**
 * Traces of our own, sent by OTLP over HTTP as JSON. Spans wait in the isolate for at most a second and are sent in
 * batches beside the requests. An endpoint that is down costs no request anything: what it does not take is dropped and
 * counted. A batch is sent with a user agent of its own; a request that has it makes no span, so an endpoint that is a
 * ledger itself gets no spans about receiving spans.
 */
import type { KeepAlive } from "../keep-alive.ts";
import type { Log } from "./log-line.ts";
import { newSpanId, type TraceContext } from "./traceparent.ts";

export interface SpanOptions {
  /** The address that batches are posted to. */
  url: string;
  headers: Readonly<Record<string, string>>;
  serviceName: string;
  /** The share of traces that are sampled if the caller did not decide, 0 to 1. */
  rate: number;
}

export const SPAN_KINDS = { internal: 1, server: 2, client: 3, producer: 4, consumer: 5 } as const;

export interface Span {
  traceId: string;
  spanId: string;
  parentSpanId: string | null;
  traceState: string | null;
  name: string;
  kind: keyof typeof SPAN_KINDS;
  startMs: number;
  endMs: number;
  attributes: Readonly<Record<string, string | number | undefined>>;
  /** The kind of error that it ended with. Null if it succeeded. */
  errorType: string | null;
}

type Described = Pick<Span, "name" | "kind" | "startMs" | "endMs" | "attributes" | "errorType">;

/** Takes the spans of one sampled request. */
export interface Recorder {
  /** A span below the request's own. */
  child(span: Described): void;
  /** The request's own span, at its end. */
  end(span: Described, keepAlive: KeepAlive): void;
}

export interface SpanExporter {
  readonly rate: number;
  readonly counts: Readonly<{ sent: number; dropped: number }>;
  record(context: TraceContext): Recorder;
}

/** What a request that carries spans of our own says that it is. */
export const OWN_USER_AGENT = "llm-cost-tracker-spans";

const MAX_BATCH = 512;
/** Spans that wait while a batch is on its way. */
const MAX_WAITING = 2_048;
/** The most spans below one request. A download or a cron run may have any number of statements. */
const MAX_CHILDREN = 100;
const DELAY_MS = 1_000;
const LIMIT_MS = 5_000;
/** After a failure nothing is sent for this long. */
const PAUSE_MS = 10_000;
/** A request that was to send spans and did not within this time was cut off. */
const LOST_MS = 15_000;

export function createSpanExporter(
  { url, headers, serviceName, rate }: SpanOptions,
  {
    now,
    log,
    delayMs = DELAY_MS,
    limitMs = LIMIT_MS,
  }: { now: () => number; log: Log; delayMs?: number; limitMs?: number },
): SpanExporter {
  const counts = { sent: 0, dropped: 0 };
  let waiting: Span[] = [];
  let sendingSinceMs = -Infinity;
  let pausedUntilMs = -Infinity;

  function add(span: Span): void {
    if (waiting.length >= MAX_WAITING || now() < pausedUntilMs) counts.dropped++;
    else waiting.push(span);
  }

  /** One request at a time waits for further spans and sends them. */
  function schedule(keepAlive: KeepAlive): void {
    if (waiting.length === 0 || now() < sendingSinceMs + LOST_MS) return;
    const own = (sendingSinceMs = now());
    const work = async (): Promise<void> => {
      if (waiting.length < MAX_BATCH) await new Promise((resolve) => setTimeout(resolve, delayMs));
      while (waiting.length > 0 && now() < own + LOST_MS) await send(waiting.splice(0, MAX_BATCH));
      // Nothing may come between the last look at `waiting` and this, or what it adds would wait for another request.
      if (sendingSinceMs === own) sendingSinceMs = -Infinity;
    };
    keepAlive(work());
  }

  async function send(spans: Span[]): Promise<void> {
    let problem: string;
    try {
      const response = await fetch(url, {
        method: "POST",
        headers: { ...headers, "Content-Type": "application/json", "User-Agent": OWN_USER_AGENT },
        body: JSON.stringify(inOtlp(spans, serviceName)),
        // A redirect would take the headers elsewhere.
        redirect: "manual",
        signal: AbortSignal.timeout(limitMs),
      });
      await response.body?.cancel();
      if (response.ok) {
        counts.sent += spans.length;
        return;
      }
      problem = `status ${response.status}`;
    } catch (error) {
      problem = error instanceof Error ? error.name : "unknown";
    }
    const dropped = spans.length + waiting.length;
    waiting = [];
    counts.dropped += dropped;
    pausedUntilMs = now() + PAUSE_MS;
    log("warn", { event: "spans_dropped", dropped, problem });
  }

  return {
    rate,
    counts,
    record({ traceId, spanId, parentSpanId, traceState }) {
      let children = 0;
      return {
        child(span) {
          if (children++ >= MAX_CHILDREN) counts.dropped++;
          else add({ ...span, traceId, spanId: newSpanId(), parentSpanId: spanId, traceState });
        },
        end(span, keepAlive) {
          add({ ...span, traceId, spanId, parentSpanId, traceState });
          schedule(keepAlive);
        },
      };
    },
  };
}

/** An `ExportTraceServiceRequest` in OTLP's JSON: ids in hex, 64-bit numbers as text. */
function inOtlp(spans: readonly Span[], serviceName: string): unknown {
  const scope = { name: "llm-cost-tracker" };
  return {
    resourceSpans: [
      {
        resource: { attributes: attributesOf({ "service.name": serviceName }) },
        scopeSpans: [{ scope, spans: spans.map(spanInOtlp) }],
      },
    ],
  };
}

function spanInOtlp(span: Span): unknown {
  const { traceId, spanId, parentSpanId, traceState, name, kind, startMs, endMs, attributes, errorType } = span;
  return {
    traceId,
    spanId,
    ...(parentSpanId !== null && { parentSpanId }),
    ...(traceState !== null && { traceState }),
    name,
    kind: SPAN_KINDS[kind],
    startTimeUnixNano: nanos(startMs),
    endTimeUnixNano: nanos(endMs),
    attributes: attributesOf({ ...attributes, "error.type": errorType ?? undefined }),
    status: errorType === null ? {} : { code: 2 },
  };
}

function nanos(ms: number): string {
  return `${Math.round(ms)}000000`;
}

function attributesOf(attributes: Span["attributes"]): unknown[] {
  return Object.entries(attributes).flatMap(([key, value]) => {
    if (value === undefined) return [];
    return [{ key, value: typeof value === "string" ? { stringValue: value } : { intValue: String(value) } }];
  });
}
