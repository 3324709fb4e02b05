/** What observers are told. They must be cheap, because they run within requests. One that throws is passed over. */

export interface RequestEvent {
  /** The pattern of the route, as OpenAPI writes it: `/v1/traces/{id}`. `(unknown)` if no route matched. */
  route: string;
  /** `_OTHER` if HTTP has no such method, so that callers cannot make up names. */
  method: string;
  status: number;
  /** From the start of the request to the headers of its answer. */
  durationMs: number;
  requestId: string;
  /** Null if the request was refused before its key was known. */
  projectId: string | null;
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

export interface Observer {
  request?(event: RequestEvent): void;
  statement?(event: StatementEvent): void;
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
