/** As many requests as connections allow: each connection sends the next one as soon as it has its answer. */
import type { Ledger } from "../client/ledger.ts";
import { runLoad } from "../client/load.ts";

/** Of a POST; without one a request is a GET. */
export type Body = string | Uint8Array | undefined;

export interface ClosedLoop {
  /** Of each request, or one after another. */
  path: string | (() => string);
  headers?: Record<string, string>;
  /** One a request, taken in order; the loop ends when they do. */
  bodies: Iterator<Body>;
  connections: number;
}

export interface Looped {
  seconds: number;
  latenciesMs: number[];
}

/** @throws when any answer is not 200. */
export async function closedLoop(
  ledger: Ledger,
  { path: given, headers = {}, bodies, connections }: ClosedLoop,
): Promise<Looped> {
  const latenciesMs: number[] = [];
  const clock = (): number => performance.now();
  const beganMs = clock();
  await runLoad({
    ledger,
    clock,
    schedules: Array.from({ length: connections }, () => atOnce(beganMs)),
    nextRequest() {
      const { done, value: body } = bodies.next();
      if (done) return undefined;
      const path = typeof given === "string" ? given : given();
      return body === undefined ? { path, headers } : { path, headers, body: body as string | Uint8Array };
    },
    endMs: Number.POSITIVE_INFINITY,
    onAnswer({ path }, answer, { sentMs, doneMs }) {
      if (answer?.status !== 200)
        throw new Error(
          `${ledger.url}${path}: ${answer ? `${answer.status}: ${String(answer.body).slice(0, 300)}` : "no answer"}`,
        );
      latenciesMs.push(doneMs - sentMs);
    },
  });
  return { seconds: (clock() - beganMs) / 1_000, latenciesMs };
}

/** Always due. */
function* atOnce(ms: number): Generator<number, void> {
  for (;;) yield ms;
}
