/**
 * One batch to `POST /v1/traces`. Sending it again is always safe, because calls are deduplicated by identity, so
 * whatever may pass (busy, restarting, cut connection) is tried again; whatever would not change ends the command.
 */
import { setTimeout as delay } from "node:timers/promises";
import { CommandError } from "../command.ts";
import type { Server } from "./server.ts";

/** What the ledger says of a batch. In queue mode `inserted` and `duplicates` are not known yet. */
export interface Answer {
  accepted: number;
  inserted?: number;
  duplicates?: number;
  rejected: number;
  errors: { index: number; code: string; message: string }[];
}

export interface Retrying {
  onRetry(sentence: string): void;
  sleep?: (ms: number) => Promise<unknown>;
  random?: () => number;
}

const RETRIED = new Set([429, 502, 503, 504]);
const ATTEMPTS = 8;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 10_000;
/** A server may ask for more patience than this; it does not get it. */
const LONGEST_RETRY_AFTER_MS = 60_000;
const ANSWER_WITHIN_MS = 60_000;

/**
 * @param body a JSON array of native traces.
 * @throws CommandError when the server refuses, or still does not answer after 8 attempts.
 */
export async function postTraces(server: Server, body: string, retrying: Retrying): Promise<Answer> {
  const { onRetry, sleep = delay, random = Math.random } = retrying;
  for (let attempt = 1; ; attempt++) {
    const outcome = await attemptPost(server, body);
    if (!("trouble" in outcome)) return outcome;
    if (attempt === ATTEMPTS) {
      throw new CommandError(
        `${server.url} ${outcome.trouble}; gave up after ${ATTEMPTS} attempts. Run the same command again to continue.`,
      );
    }
    const ceiling = Math.min(FIRST_WAIT_MS * 2 ** (attempt - 1), LONGEST_WAIT_MS);
    // Half is jitter: parallel requests that failed together should not come back together.
    const waitMs = Math.max(outcome.retryAfterMs, ceiling / 2) + (random() * ceiling) / 2;
    onRetry(`${server.url} ${outcome.trouble}; trying again in ${(waitMs / 1_000).toFixed(1)} s`);
    await sleep(waitMs);
  }
}

interface Trouble {
  trouble: string;
  retryAfterMs: number;
}

async function attemptPost(server: Server, body: string): Promise<Answer | Trouble> {
  let status: number;
  let text: string;
  let retryAfter: string | null;
  try {
    const response = await fetch(`${server.url}/v1/traces`, {
      method: "POST",
      headers: { authorization: `Bearer ${server.key}`, "content-type": "application/json" },
      body,
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
    });
    status = response.status;
    retryAfter = response.headers.get("retry-after");
    text = await response.text();
  } catch (error) {
    return { trouble: `cannot be reached (${reasonOf(error)})`, retryAfterMs: 0 };
  }
  if (RETRIED.has(status)) return { trouble: `answers ${status}`, retryAfterMs: retryAfterMs(retryAfter) };
  return read(server, status, text);
}

function read(server: Server, status: number, text: string): Answer {
  const answer = parse(text);
  const isAnswer = typeof answer?.accepted === "number" && Array.isArray(answer.errors);
  // A batch without one acceptable row is a 400 that carries the same account of its rows.
  if (isAnswer && (status === 200 || status === 202 || answer.code === "all_rejected")) return answer;
  if (status === 401) {
    throw new CommandError(`${server.url} does not know this key (401): give another with --key or LLM_COST_KEY.`);
  }
  if (status === 403) throw new CommandError(`This key may not send calls (403): it needs the scope "ingest".`);
  const detail = answer?.detail ?? text.slice(0, 200);
  throw new CommandError(`POST ${server.url}/v1/traces gave ${status}${detail ? `: ${detail}` : ""}.`);
}

function parse(text: string): (Answer & { code?: string; detail?: string }) | null {
  try {
    return JSON.parse(text) as Answer;
  } catch {
    return null;
  }
}

/** Seconds or a date, as the header has it. */
function retryAfterMs(header: string | null): number {
  if (!header) return 0;
  const ms = /^\d+$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - Date.now();
  return Math.min(Math.max(ms || 0, 0), LONGEST_RETRY_AFTER_MS);
}

/** Node's fetch says only "fetch failed"; why is in the cause. */
function reasonOf(error: unknown): string {
  const { name, message, cause } = error as Error & { cause?: Error & { code?: string } };
  if (name === "TimeoutError") return `no answer within ${ANSWER_WITHIN_MS / 1_000} s`;
  return cause?.code ?? (cause?.message || message);
}
