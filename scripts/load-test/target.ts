/**
 * The server that is loaded: one that is running, or one of the test's own with a month of history and its cron; or in
 * queue mode, where its database is to be stalled.
 */
import { DAY_MS } from "../../src/time.ts";
import { randomBytes } from "node:crypto";
import pg from "pg";
import { calls, take } from "../bench/calls.ts";
import { startSubject } from "../bench/subject.ts";
import { connect, type Ledger } from "../client/ledger.ts";
import { postTraces } from "../client/post-traces.ts";
import { dataDir, findServer, type Server } from "../client/server.ts";
import { CommandError } from "../command.ts";
import { stalls, type Work } from "./plan.ts";
import { startQueueTarget } from "./queue-target.ts";

export interface Target {
  server: Server;
  /** Stalls the database, where it is the test's own to stall. Returns once it stands still, for so long. */
  stall?: (ms: number) => Promise<{ over: Promise<void> }>;
}

const DAYS = 30;
const CALLS_A_DAY = 1_000;
const CRON_MS = 60_000;
const IDLE_CRON_MS = 500;
const MOST_CRON_RUNS = 20;

/**
 * @param ends of what is started.
 * @param logFile of a Worker of the test's own.
 * @throws CommandError when the server does not let the key in.
 */
export async function findTarget(
  flags: { work: Work; target: string | undefined; key: string | undefined },
  env: Record<string, string | undefined>,
  logFile: string,
  ends: AsyncDisposableStack,
): Promise<Target> {
  if (flags.target === undefined)
    return stalls(flags.work) ? await startQueueTarget(env, logFile, ends) : await startOwn(logFile, ends);
  const server = await findServer({ url: flags.target, key: flags.key }, dataDir(env));
  using ledger = connect(server);
  const { status } = await ledger.send({ path: "/v1/summary" }).catch((error: Error) => {
    throw new CommandError(`--target: ${server.url} does not answer: ${error.message}`);
  });
  if (status >= 400)
    throw new CommandError(`--target: ${server.url} answers ${status}: is the key right, with the scope "read"?`);
  return { server };
}

async function startOwn(logFile: string, ends: AsyncDisposableStack): Promise<Target> {
  const subject = await startSubject(logFile);
  ends.defer(subject.stop);
  const { key } = await subject.newProject();
  const server = { url: subject.url, key, keyIsLocal: true };
  const ledger = ends.use(connect(server));
  await fill(ledger);
  const cron = async (): Promise<boolean> =>
    (await ledger.send({ path: "/bench/cron" }).catch(() => undefined))?.status === 200;
  await settle(cron, subject.backends.databaseUrl);
  const timer = setInterval(() => void cron(), CRON_MS);
  ends.defer(() => clearInterval(timer));
  return { server };
}

/**
 * So that the load does not pay for the history: all of it is merged, and known to Postgres, as on a server of that
 * age.
 */
async function settle(cron: () => Promise<boolean>, databaseUrl: string): Promise<void> {
  for (let runs = 0; runs < MOST_CRON_RUNS; runs++) {
    const beganMs = performance.now();
    const ended = await cron();
    // A run that finds nothing to do ends at once.
    if (ended && performance.now() - beganMs < IDLE_CRON_MS) break;
  }
  const client = new pg.Client({ connectionString: databaseUrl, options: "-c statement_timeout=0" });
  await client.connect();
  await client.query("vacuum analyze");
  await client.end();
}

/** Summaries of an empty ledger would cost less than they do. */
async function fill(ledger: Ledger): Promise<void> {
  const prefix = randomBytes(6).toString("hex");
  for (let day = 1; day <= DAYS; day++) {
    const traces = take(calls(Date.now() - day * DAY_MS, `${prefix}-${day}`), CALLS_A_DAY);
    await postTraces(ledger, JSON.stringify(traces));
  }
}
