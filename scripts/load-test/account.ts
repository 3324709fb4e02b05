/**
 * What the server said of each call that was sent, and whether the ledger agrees: every acknowledged call must be in
 * it, counted once. Calls whose fate is open (no answer, or a failure after which they may still be stored) may be
 * there.
 */
import { HOUR_MS } from "../../src/time.ts";
import { setTimeout as sleep } from "node:timers/promises";
import type { Ledger } from "../client/ledger.ts";
import { sendPatiently } from "../client/patience.ts";
import { applicationsOf, callId } from "./traffic.ts";

export interface Account {
  readonly acknowledged: number;
  /** Sent, but neither acknowledged nor refused. */
  readonly open: number;
  /** Some were taken into a queue: they are counted later. */
  readonly queued: boolean;
  acknowledge(calls: { first: number; count: number }, queued: boolean): void;
  leaveOpen(calls: { first: number; count: number }): void;
  isAcknowledged(number: number): boolean;
  /** One more than the highest acknowledged number. */
  readonly end: number;
}

export function createAccount(): Account {
  let flags = new Uint8Array(1 << 16);
  let acknowledged = 0;
  let open = 0;
  let end = 0;
  let anyQueued = false;
  return {
    get queued() {
      return anyQueued;
    },
    get acknowledged() {
      return acknowledged;
    },
    get open() {
      return open;
    },
    get end() {
      return end;
    },
    acknowledge({ first, count }, queued) {
      anyQueued ||= queued;
      end = Math.max(end, first + count);
      if (end > flags.length) {
        const larger = new Uint8Array(end * 2);
        larger.set(flags);
        flags = larger;
      }
      flags.fill(1, first, first + count);
      acknowledged += count;
    },
    leaveOpen({ count }) {
      open += count;
    },
    isAcknowledged: (number) => flags[number] === 1,
  };
}

export interface LedgerCheck {
  acknowledged: number;
  open: number;
  /** What the summary counts of this run. */
  counted: number;
  /** Acknowledged, but not counted or not listed. */
  lost: number;
  /** Counted beyond all that was sent. */
  surplus: number;
  /** In a queue's mode: after the last answer, until all that was acknowledged was counted. */
  settledAfterMs?: number;
  /** Why the ledger could not be asked, which leaves the rest open. */
  trouble?: string;
}

const QUEUE_PATIENCE_MS = 120_000;
/** Longer than summaries that reach into the present live in the cache. */
const PAUSE_MS = 1_200;
const PATIENCE_MS = 2 * PAUSE_MS;

/**
 * The sum alone proves it where it is exactly what was acknowledged; otherwise each call is looked up.
 *
 * @param sinceMs when the run began.
 */
export async function checkLedger(
  ledger: Ledger,
  runId: string,
  account: Account,
  sinceMs: number,
): Promise<LedgerCheck> {
  const { acknowledged, open } = account;
  try {
    return { acknowledged, open, ...(await compare(ledger, runId, account, sinceMs)) };
  } catch (error) {
    return { acknowledged, open, counted: 0, lost: 0, surplus: 0, trouble: (error as Error).message };
  }
}

async function compare(
  ledger: Ledger,
  runId: string,
  account: Account,
  sinceMs: number,
): Promise<Omit<LedgerCheck, "acknowledged" | "open" | "trouble">> {
  const filters = applicationsOf(runId).map((application) => `application=${application}`);
  const to = (Math.floor(Date.now() / HOUR_MS) + 2) * HOUR_MS;
  const range = [`from=${sinceMs - HOUR_MS}`, `to=${to}`, ...filters].join("&");
  const { acknowledged, open } = account;

  const beganMs = Date.now();
  const deadline = beganMs + (account.queued ? QUEUE_PATIENCE_MS : PATIENCE_MS);
  let counted = await count(ledger, range);
  while (counted < acknowledged && Date.now() < deadline) {
    await sleep(PAUSE_MS);
    counted = await count(ledger, range);
  }
  const settled = account.queued && counted >= acknowledged ? { settledAfterMs: Date.now() - beganMs } : {};
  const unlisted = counted === acknowledged && open === 0 ? 0 : await missing(ledger, range, runId, account);
  return {
    counted,
    lost: Math.max(acknowledged - counted, unlisted, 0),
    surplus: Math.max(counted - acknowledged - open, 0),
    ...settled,
  };
}

async function count(ledger: Ledger, range: string): Promise<number> {
  const { totals } = (await ask(ledger, `/v1/summary?${range}`)) as { totals: { requests: number } };
  return totals.requests;
}

async function missing(ledger: Ledger, range: string, runId: string, account: Account): Promise<number> {
  const listed = new Set<string>();
  let cursor: string | null = null;
  do {
    const page = cursor === null ? "" : `&cursor=${encodeURIComponent(cursor)}`;
    const answer = await ask(ledger, `/v1/traces?${range}&limit=1000&billable=all${page}`);
    const { traces, next_cursor } = answer as { traces: { client_id: string }[]; next_cursor: string | null };
    for (const { client_id } of traces) listed.add(client_id);
    cursor = next_cursor;
  } while (cursor !== null);
  let absent = 0;
  for (let number = 0; number < account.end; number++) {
    if (account.isAcknowledged(number) && !listed.has(callId(runId, number))) absent++;
  }
  return absent;
}

/** A load that broke the server may have to drain first. */
async function ask(ledger: Ledger, path: string): Promise<unknown> {
  const { status, body } = await sendPatiently(ledger, { path });
  if (status !== 200) throw new Error(`GET ${path} gave ${status}: ${String(body).slice(0, 200)}`);
  return JSON.parse(String(body));
}
