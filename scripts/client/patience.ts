/** Requests that are sent again while the server is busy, restarting or out of reach. */
import { setTimeout as delay } from "node:timers/promises";
import { CommandError } from "../command.ts";
import type { Answer, Ledger, Request } from "./ledger.ts";

export interface Patience {
  /** Hears about each further attempt. */
  onRetry?(sentence: string): void;
  sleep?: (ms: number) => Promise<unknown>;
  random?: () => number;
}

const RETRIED = new Set([429, 502, 503, 504]);
const ATTEMPTS = 8;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 10_000;
/** A server may ask for more patience than this; it does not get it. */
const LONGEST_RETRY_AFTER_MS = 60_000;

/**
 * @param request one that is safe to send twice.
 * @returns the first answer that would not change if it were asked for again.
 * @throws CommandError when there is none after 8 attempts.
 */
export async function sendPatiently(ledger: Ledger, request: Request, patience: Patience = {}): Promise<Answer> {
  const { onRetry = () => {}, sleep = delay, random = Math.random } = patience;
  for (let attempt = 1; ; attempt++) {
    const answer = await ledger.send(request).catch((error: NodeJS.ErrnoException) => error);
    if (!(answer instanceof Error) && !RETRIED.has(answer.status)) return answer;
    const trouble =
      answer instanceof Error ? `cannot be reached (${answer.code ?? answer.message})` : `answers ${answer.status}`;
    if (attempt === ATTEMPTS) {
      throw new CommandError(
        `${ledger.url} ${trouble}; gave up after ${ATTEMPTS} attempts. Run the same command again to continue.`,
      );
    }
    const ceiling = Math.min(FIRST_WAIT_MS * 2 ** (attempt - 1), LONGEST_WAIT_MS);
    const leastMs = answer instanceof Error ? 0 : retryAfterMs(answer.headers["retry-after"]);
    // Half is jitter: parallel requests that failed together should not come back together.
    const waitMs = Math.max(leastMs, ceiling / 2) + (random() * ceiling) / 2;
    onRetry(`${ledger.url} ${trouble}; trying again in ${(waitMs / 1_000).toFixed(1)} s`);
    await sleep(waitMs);
  }
}

/** Seconds or a date, as the header has it. */
function retryAfterMs(header: string | undefined): number {
  if (!header) return 0;
  const ms = /^\d+$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - Date.now();
  return Math.min(Math.max(ms || 0, 0), LONGEST_RETRY_AFTER_MS);
}
