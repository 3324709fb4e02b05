/** What was sent, and what the server said of it. A call is ACKED, UNKNOWN or REJECTED; each costs the same. */

/** 1,000 tokens at $0.15 per MTok. */
export const PICO_PER_CALL = 150_000_000n;
export const CALLS_PER_REQUEST = 100;

export interface Request {
  number: number;
  /** In a closed hour. Otherwise its calls are from this hour. */
  closed: boolean;
  body: string;
  /** The same calls in the opposite order. */
  reversed(): string;
}

export class Account {
  acked = 0;
  ackedClosed = 0;
  sent = 0;
  sentClosed = 0;
  rejected = 0;
  readonly unknown = new Map<number, Request>();
  /** Sums of acknowledged calls over time. */
  readonly #history: { atMs: number; all: number; closed: number }[] = [];

  /** Its fate is unknown until it is acknowledged. */
  send(request: Request): void {
    const { closed, number } = request;
    this.unknown.set(number, request);
    this.sent += CALLS_PER_REQUEST;
    if (closed) this.sentClosed += CALLS_PER_REQUEST;
  }

  /** More than one answer to the same request count once. */
  acknowledge({ closed, number }: Request): void {
    if (!this.unknown.delete(number)) return;
    this.acked += CALLS_PER_REQUEST;
    if (closed) this.ackedClosed += CALLS_PER_REQUEST;
    this.#history.push({ atMs: Date.now(), all: this.acked, closed: this.ackedClosed });
  }

  /** How many calls had been acknowledged at that time. */
  ackedAt(atMs: number): { all: number; closed: number } {
    return this.#history.findLast((entry) => entry.atMs <= atMs) ?? { all: 0, closed: 0 };
  }
}

export function requestOf(run: string, number: number, hourMs: number): Request {
  const closed = number % 3 !== 0;
  const atMs = closed ? hourMs - 90 * 60_000 : hourMs;
  const calls = Array.from({ length: CALLS_PER_REQUEST }, (_, i) => ({
    id: `${run}-${number}-${i}`,
    timestamp: new Date(atMs + ((number * CALLS_PER_REQUEST + i) % 1_000)).toISOString(),
    provider: "openai",
    model: "gpt-4o-mini",
    input_tokens: 1_000,
    output_tokens: 0,
    application: `app-${number % 4}`,
    user_id: `user-${i}`,
    tags: { team: `team-${i % 3}` },
  }));
  return { number, closed, body: JSON.stringify(calls), reversed: () => JSON.stringify(calls.toReversed()) };
}
