/**
 * What the server said of each call that was sent, and whether the ledger agrees: every acknowledged call must be in it,
 * counted once. Calls whose fate is open (no answer, or a failure after which they may still be stored) may be there.
 */
import type { Client } from "./client.ts";
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
const HOUR_MS = 3_600_000;
const ATTEMPTS = 10;

/**
 * The sum alone proves it where it is exactly what was acknowledged; otherwise each call is looked up.
 *
 * @param sinceMs when the run began.
 */
export async function checkLedger(
  client: Client,
  runId: string,
  account: Account,
  sinceMs: number,
): Promise<LedgerCheck> {
  const filters = applicationsOf(runId).map((application) => `application=${application}`);
  const to = (Math.floor(Date.now() / HOUR_MS) + 2) * HOUR_MS;
  const range = [`from=${sinceMs - HOUR_MS}`, `to=${to}`, ...filters].join("&");
  const { acknowledged, open } = account;

  const beganMs = Date.now();
  const deadline = beganMs + (account.queued ? QUEUE_PATIENCE_MS : PATIENCE_MS);
  let counted = await count(client, range);
  while (counted < acknowledged && Date.now() < deadline) {
    await pause(PAUSE_MS);
    counted = await count(client, range);
  }
  const settled = account.queued && counted >= acknowledged ? { settledAfterMs: Date.now() - beganMs } : {};
  const unlisted = counted === acknowledged && open === 0 ? 0 : await missing(client, range, runId, account);
  return {
    acknowledged,
    open,
    counted,
    lost: Math.max(acknowledged - counted, unlisted, 0),
    surplus: Math.max(counted - acknowledged - open, 0),
    ...settled,
  };
}

async function count(client: Client, range: string): Promise<number> {
  const { totals } = (await ask(client, `/v1/summary?${range}`)) as { totals: { requests: number } };
  return totals.requests;
}

async function missing(client: Client, range: string, runId: string, account: Account): Promise<number> {
  const listed = new Set<string>();
  let cursor: string | null = null;
  do {
    const page = cursor === null ? "" : `&cursor=${encodeURIComponent(cursor)}`;
    const answer = await ask(client, `/v1/traces?${range}&limit=1000&billable=all${page}`);
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

/** @throws when it is not answered in {@link ATTEMPTS} attempts: a load that broke the server may have to drain. */
async function ask(client: Client, path: string): Promise<unknown> {
  let trouble = "";
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    try {
      const { status, text } = await client.send(path);
      if (status === 200) return JSON.parse(text);
      trouble = `${status}: ${text.slice(0, 200)}`;
    } catch (error) {
      trouble = (error as Error).message;
    }
    await pause(PAUSE_MS);
  }
  throw new Error(`GET ${path} gave ${trouble}`);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms));
}
