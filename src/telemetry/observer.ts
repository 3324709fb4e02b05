/** What observers are told. They must be cheap, because they run within requests. One that throws is passed over. */
import type { ErrorCode } from "../errors.ts";
import type { Timings } from "./timings.ts";

export interface RequestEvent {
  /** The pattern of the route, as OpenAPI writes it: `/v1/traces/{id}`. `(unknown)` if no route matched. */
  route: string;
  /** `_OTHER` if HTTP has no such method, so that callers cannot make up names. */
  method: string;
  status: number;
  /** From the start of the request to its answer; of a download, to its end. */
  durationMs: number;
  requestId: string;
  traceId: string;
  /** Null if the request was refused before its key was known. */
  projectId: string | null;
  /** The code of the answer's problem. Null if it is none. */
  errorCode: ErrorCode | null;
  /** What was thrown, if the answer is a 5xx or a download broke off. */
  failure: Error | null;
  /** Bytes of the body as they arrived. Null if none was read. */
  bytesIn: number | null;
  /** What became of the items of an ingest request. */
  counts: IngestCounts | null;
  /** The state of the cache. Null if the route has none. */
  cache: string | null;
  timings: Timings;
}

export interface IngestCounts {
  accepted: number;
  /** Not known in queue mode. */
  inserted?: number;
  duplicates?: number;
  rejected: number;
}

export type StatementFailure = "unavailable" | "too_large" | "refused" | "expired" | "failed";

export interface StatementEvent {
  /** Of one transaction, its retries included. */
  durationMs: number;
  /** The number of statements in the transaction. */
  statements: number;
  /** Null if it succeeded. `refused` and `expired` are answers that callers of the statement expect. */
  errorKind: StatementFailure | null;
}

/** A cron run, or a batch of messages. */
export interface RunEvent {
  kind: "cron" | "queue";
  durationMs: number;
  traceId: string;
  /** What was thrown. Null if the run succeeded. */
  failure: unknown;
  counts: Readonly<Record<string, number | boolean>>;
  timings: Timings;
}

export interface Observer {
  request?(event: RequestEvent): void;
  statement?(event: StatementEvent): void;
  run?(event: RunEvent): void;
}

export function tell(observers: readonly Observer[], say: (observer: Observer) => void): void {
  for (const observer of observers) {
    try {
      say(observer);
    } catch {
      // Observing fails no request.
    }
  }
}
