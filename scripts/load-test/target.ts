/**
 * The server that is loaded: one that is running, or one of the test's own with a month of history and its cron; or in
 * queue mode, where its database is to be stalled.
 */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import pg from "pg";
import { calls, take } from "../bench/calls.ts";
import { startSubject } from "../bench/subject.ts";
import { CommandError } from "../command.ts";
import { findServer, type Server } from "../import/server.ts";
import { createClient } from "./client.ts";
import { stalls, type Work } from "./plan.ts";
import { startQueueTarget } from "./queue-target.ts";

export interface Target {
  server: Server;
  /** Stalls the database, where it is the test's own to stall. Returns once it stands still, for so long. */
  stall?: (ms: number) => Promise<{ over: Promise<void> }>;
  stop(): Promise<void>;
}

const DAYS = 30;
const CALLS_A_DAY = 1_000;
const DAY_MS = 86_400_000;
const CRON_MS = 60_000;
const IDLE_CRON_MS = 500;
const MOST_CRON_RUNS = 20;
const TIMEOUT_MS = 60_000;

/**
 * @param logFile of a Worker of the test's own.
 * @throws CommandError when the server does not let the key in.
 */
export async function findTarget(
  flags: { work: Work; target: string | undefined; key: string | undefined },
  env: Record<string, string | undefined>,
  logFile: string,
): Promise<Target> {
  if (flags.target === undefined)
    return stalls(flags.work) ? await startQueueTarget(env, logFile) : await startOwn(logFile);
  const server = await findServer({ url: flags.target, key: flags.key }, env);
  const client = createClient(server, TIMEOUT_MS);
  const { status } = await client.send("/v1/summary").catch((error: Error) => {
    throw new CommandError(`${server.url} does not answer: ${error.message}`);
  });
  client.close();
  if (status >= 400)
    throw new CommandError(`${server.url} answers ${status}: is the key right, with the scope "read"?`);
  return { server, stop: async () => {} };
}

async function startOwn(logFile: string): Promise<Target> {
  const subject = await startSubject(join(import.meta.dirname, "worker.ts"), logFile);
  try {
    const { key } = await subject.newProject();
    const server = { url: subject.url, key, keyIsLocal: true };
    const client = createClient(server, TIMEOUT_MS);
    await fill((body) => client.send("/v1/traces", body));
    const cron = async (): Promise<boolean> =>
      (await client.send("/load-test/cron").catch(() => undefined))?.status === 200;
    await settle(cron, subject.backends.databaseUrl);
    const timer = setInterval(() => void cron(), CRON_MS);
    return {
      server,
      async stop() {
        clearInterval(timer);
        client.close();
        await subject.stop();
      },
    };
  } catch (error) {
    await subject.stop();
    throw error;
  }
}

/** So that the load does not pay for the history: all of it is merged, and known to Postgres, as on a server of that age. */
async function settle(cron: () => Promise<boolean>, databaseUrl: string): Promise<void> {
  for (let runs = 0; runs < MOST_CRON_RUNS; runs++) {
    const beganMs = performance.now();
    const ended = await cron();
    // A run that finds nothing to do ends at once.
    if (ended && performance.now() - beganMs < IDLE_CRON_MS) break;
  }
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  await client.query("vacuum analyze");
  await client.end();
}

/** Summaries of an empty ledger would cost less than they do. */
async function fill(post: (body: string) => Promise<{ status: number; text: string }>): Promise<void> {
  const prefix = randomBytes(6).toString("hex");
  for (let day = 1; day <= DAYS; day++) {
    const traces = take(calls(Date.now() - day * DAY_MS, `${prefix}-${day}`), CALLS_A_DAY);
    const { status, text } = await post(JSON.stringify(traces));
    if (status !== 200) throw new Error(`filling the ledger gave ${status}: ${text.slice(0, 200)}`);
  }
}
