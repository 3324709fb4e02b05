/**
 * Writers and readers work while faults come and go. At the end all is well again, what has an unknown fate is sent
 * once more, and the ledger must have each call once. Until then no reader may see a sum that is wrong or stale.
 */
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { sql } from "drizzle-orm";
import { connect } from "../../src/db/client.ts";
import { audit } from "../../src/rollup/audit.ts";
import { LEASE_MS } from "../../src/epoch.ts";
import { HOUR_MS } from "../../src/time.ts";
import { usdToPico } from "../../src/money.ts";
import { seeded } from "../../scripts/demo/random.ts";
import { Account, CALLS_PER_REQUEST, PICO_PER_CALL, type Request, requestOf } from "./account.ts";
import { type FaultKind, kindsOf } from "./kinds.ts";
import { ask, type Mode, type Stack, startStack } from "./stack.ts";

export interface Plan {
  mode: Mode;
  seed: number;
  seconds: number;
  callsPerSecond: number;
  /** How many faults there are about, spread over the time. Default: one after the other. */
  faults?: number | undefined;
  /** Only the kinds whose name contains this. */
  only?: string | undefined;
  say?: (line: string) => void;
}

export interface Findings {
  faults: number;
  kinds: number;
  /** Calls, each sent when it is due, whatever became of those before. */
  sent: number;
  acked: number;
  rejected: number;
  /** Requests that were sent again. */
  resent: number;
  answers: number;
  /** Answers that were older than they may be while Redis is well, but no older than 5 s. */
  late: number;
  /** The longest time from a kill of Postgres to the next acknowledged request, in ms. */
  recoveryMs: number;
  /** Transactions that Postgres ended because they waited for each other. */
  deadlocks: number;
  /** What must not be, one sentence each. None: the promises held. */
  broken: string[];
}

/** An answer that reaches into this hour may be as old as this. */
const OPEN_MS = 1_500;
const REQUEST_MS = 20_000;
const READERS = 2;
/** In the end this many requests are sent at once, until none was acknowledged for so long. */
const RESENDERS = 24;
const SETTLE_MS = 90_000;
/** A client that retries waits this long before each further try. */
const PAUSES_MS = [500, 2_000];

export async function run({
  mode,
  seed,
  seconds,
  callsPerSecond,
  faults,
  only = "",
  say = () => {},
}: Plan): Promise<Findings> {
  await using ends = new AsyncDisposableStack();
  const stack = await startStack(mode, ends);
  const account = new Account();
  const findings: Findings = {
    faults: 0,
    kinds: 0,
    sent: 0,
    acked: 0,
    rejected: 0,
    resent: 0,
    answers: 0,
    late: 0,
    recoveryMs: 0,
    deadlocks: 0,
    broken: [],
  };
  const runId = randomUUID();
  const hourMs = Math.floor(Date.now() / HOUR_MS) * HOUR_MS;
  const deadline = Date.now() + seconds * 1_000;
  const headers = { authorization: `Bearer ${stack.apiKey}`, "content-type": "application/json" };
  let redisBadUntilMs = 0;

  /** @returns the status, or null if no whole answer came. */
  async function send(request: Request): Promise<number | null> {
    const sentMs = Date.now();
    const signal = AbortSignal.timeout(REQUEST_MS);
    try {
      const response = await fetch(`${stack.url}/v1/traces`, { method: "POST", headers, body: request.body, signal });
      await response.text();
      if (response.ok) {
        account.acknowledge(request);
        if (stack.killedAtMs !== null && sentMs > stack.killedAtMs) {
          const tookMs = Date.now() - stack.killedAtMs;
          say(`  the first request after the kill was acknowledged ${tookMs} ms after it`);
          findings.recoveryMs = Math.max(findings.recoveryMs, tookMs);
          stack.killedAtMs = null;
        }
      } else if (response.status === 500) findings.broken.push("a write was answered 500");
      return response.status;
    } catch {
      return null;
    }
  }

  /** Half of the clients try again; what the others sent is sent again in the end. */
  async function write(request: Request): Promise<void> {
    account.send(request);
    for (const pauseMs of [...PAUSES_MS, null]) {
      // Some clients send everything twice, at once.
      const twice = request.number % 5 === 1 ? send({ ...request, body: request.reversed() }) : null;
      const status = await send(request);
      await twice;
      if (status !== null && status < 300) return;
      if (status !== null && status < 500 && status !== 408 && status !== 429) {
        account.unknown.delete(request.number);
        account.rejected += CALLS_PER_REQUEST;
        findings.broken.push(`a good request was answered ${status}`);
        return;
      }
      if (request.number % 2 === 0 || pauseMs === null) return;
      await sleep(pauseMs);
      if (Date.now() > deadline) return;
      findings.resent++;
    }
  }

  const startedMs = Date.now();
  async function writeAll(): Promise<void> {
    const writing = new Set<Promise<void>>();
    for (let number = 0; ; number++) {
      const dueMs = startedMs + (number * CALLS_PER_REQUEST * 1_000) / callsPerSecond;
      if (dueMs > deadline) break;
      await sleep(Math.max(dueMs - Date.now(), 0));
      const written = write(requestOf(runId, number, hourMs)).finally(() => writing.delete(written));
      writing.add(written);
    }
    await Promise.all(writing);
  }

  // Postgres forgets the number when it crashes.
  async function countDeadlocks(): Promise<void> {
    let before = 0;
    while (Date.now() < deadline) {
      const [row] = await ask(stack.databaseUrl, DEADLOCKS).catch(() => []);
      const count = Number(row?.["deadlocks"] ?? before);
      findings.deadlocks += count < before ? count : count - before;
      before = count;
      await sleep(500);
    }
    if (findings.deadlocks > 0) findings.broken.push(`${findings.deadlocks} transactions were ended by a deadlock`);
  }

  const closedRange = `from=${hourMs - 2 * HOUR_MS}&to=${hourMs}`;
  const allRange = `from=${hourMs - 2 * HOUR_MS}&to=${hourMs + 2 * HOUR_MS}`;
  async function readOnce(closed: boolean): Promise<void> {
    const askedMs = Date.now();
    const path = `/v1/summary?${closed ? closedRange : allRange}&group_by=application`;
    let answer: { totals: Sum; rows: Sum[] };
    try {
      const response = await fetch(stack.url + path, { headers, signal: AbortSignal.timeout(REQUEST_MS) });
      const text = await response.text();
      if (response.status === 500) findings.broken.push(`GET ${path} was answered 500`);
      if (!response.ok) return;
      answer = JSON.parse(text) as typeof answer;
    } catch {
      return;
    }
    findings.answers++;
    const { requests } = answer.totals;
    for (const sum of [answer.totals, ...answer.rows]) {
      if (usdToPico(sum.cost_usd) !== BigInt(sum.requests) * PICO_PER_CALL)
        findings.broken.push(`${sum.requests} calls cost ${sum.cost_usd}`);
    }
    const inRows = answer.rows.reduce((total, row) => total + row.requests, 0);
    if (inRows !== requests) findings.broken.push(`the rows have ${inRows} calls, the totals ${requests}`);
    const most = closed ? account.sentClosed : account.sent;
    if (requests > most) findings.broken.push(`${requests} calls are counted, and ${most} were sent`);
    if (mode === "queue") return;
    const isOld = (lateMs: number): boolean => {
      const known = account.ackedAt(askedMs - lateMs);
      return requests < (closed ? known.closed : known.all);
    };
    if (isOld(LEASE_MS + 500)) findings.broken.push(`an answer of ${requests} calls is more than 5 s old`);
    // A Redis that is slow by itself may do so, too. So it is counted, and no more.
    else if (askedMs > redisBadUntilMs && isOld(closed ? 0 : OPEN_MS)) findings.late++;
  }
  async function read(closed: boolean): Promise<void> {
    while (Date.now() < deadline) {
      await readOnce(closed);
      await sleep(50);
    }
  }

  const kinds = kindsOf(mode).filter(({ name }) => name.includes(only));
  if (kinds.length === 0) throw new Error(`no kind of fault has "${only}" in its name`);
  const seen = new Set<string>();
  async function breakThings(): Promise<void> {
    const random = seeded(String(seed)).uniform;
    let left: FaultKind[] = [];
    while (Date.now() < deadline - 3_000) {
      if (left.length === 0) left = shuffled(kinds, random);
      const kind = left.pop()!;
      const ms = 200 + Math.floor(random() * 1_500);
      say(`${((Date.now() - startedMs) / 1_000).toFixed(1)} s: ${kind.name} for ${ms} ms`);
      // Even what Redis took may have been on its way.
      if (kind.redis) redisBadUntilMs = Infinity;
      try {
        await kind.run(stack, ms);
        findings.faults++;
        seen.add(kind.name);
      } catch (error) {
        say(`  could not be done: ${(error as Error).message}`);
      }
      if (kind.redis) redisBadUntilMs = Date.now() + LEASE_MS + 1_000;
      const pauseMs = 300 + random() * 1_200;
      const dueMs = faults === undefined ? 0 : startedMs + (findings.faults * seconds * 1_000) / faults;
      await sleep(Math.max(dueMs - Date.now(), pauseMs));
    }
  }

  const readers = Array.from({ length: READERS }, (_, i) => read(i % 2 === 0));
  await Promise.all([breakThings(), writeAll(), countDeadlocks(), ...readers]);

  // All is well. What has an unknown fate is sent until it is acknowledged.
  let settleBy = Date.now() + SETTLE_MS;
  while (account.unknown.size > 0 && Date.now() < settleBy) {
    const left = [...account.unknown.values()].slice(0, RESENDERS);
    await Promise.all(left.map(send));
    if (left.some(({ number }) => !account.unknown.has(number))) settleBy = Date.now() + SETTLE_MS;
  }
  if (account.unknown.size > 0) findings.broken.push(`${account.unknown.size} requests were never acknowledged`);
  Object.assign(findings, { sent: account.sent, acked: account.acked, rejected: account.rejected, kinds: seen.size });
  findings.broken.push(
    ...(await compare(stack, account.acked, runId, `${stack.url}/v1/summary?${allRange}`, headers, settleBy)),
    ...(await auditAll(stack, hourMs)),
  );
  return findings;
}

const DEADLOCKS = "select deadlocks from pg_stat_database where datname = current_database()";

interface Sum {
  requests: number;
  cost_usd: string;
}

/** The ledger against what was acknowledged, once the queue is empty and cached answers are gone. */
async function compare(
  { databaseUrl }: Stack,
  acked: number,
  runId: string,
  summaryUrl: string,
  headers: Record<string, string>,
  settleBy: number,
): Promise<string[]> {
  const broken: string[] = [];
  let requests = -1;
  let until = settleBy;
  do {
    await sleep(1_500);
    const response = await fetch(summaryUrl, { headers });
    const before = requests;
    if (response.ok) ({ requests } = ((await response.json()) as { totals: Sum }).totals);
    // A queue may take its time, and only has to go on.
    if (requests > before) until = Date.now() + SETTLE_MS;
  } while (requests < acked && Date.now() < until);
  if (requests !== acked) broken.push(`the summary has ${requests} calls of ${acked}`);
  const [rows] = await ask(
    databaseUrl,
    `select count(*)::int as stored, count(distinct client_id)::int as once from traces where client_id like '${runId}-%'`,
  );
  if (rows!["stored"] !== acked || rows!["once"] !== acked)
    broken.push(
      `the table has ${String(rows!["stored"])} calls, ${String(rows!["once"])} of them different, of ${acked}`,
    );
  return broken;
}

/** The Worker's own audit, with the time that millions of calls in two hours take. */
async function auditAll({ databaseUrl }: Stack, hourMs: number): Promise<string[]> {
  const db = connect({ driver: "postgres", url: databaseUrl, timeoutMs: 300_000 });
  const projects = await db.query(sql`select id from projects`);
  const broken: string[] = [];
  for (const { id } of projects) {
    const { ok, mismatches } = await audit(db, String(id), hourMs - 2 * HOUR_MS, hourMs + 2 * HOUR_MS);
    if (!ok) broken.push(`audit: ${JSON.stringify(mismatches).slice(0, 500)}`);
  }
  return broken;
}

function shuffled<T>(items: T[], random: () => number): T[] {
  return items
    .map((item) => ({ item, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}
