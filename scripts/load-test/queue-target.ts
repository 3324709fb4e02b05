/**
 * A server in queue mode whose database can be stalled: the Worker in Miniflare, for bare workerd has no queues, over
 * backends of its own.
 */
import { createWriteStream } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { calls, take } from "../bench/calls.ts";
import { connect } from "../client/ledger.ts";
import { postTraces } from "../client/post-traces.ts";
import { CommandError } from "../command.ts";
import { forkBackends } from "../local/backends.ts";
import { bundle, readCompatibilityDate } from "../local/bundle.ts";
import { API_KEY, ensureKey, waitUntilHealthy } from "../local/dev-keys.ts";
import { startWorker } from "../local/worker.ts";
import { stallPostgres } from "./stall.ts";
import type { Target } from "./target.ts";

const ADMIN_KEY = "load-test-admin-key-0123456789abcdef0123456789";
const WARM_UP_CALLS = 100;

/**
 * @param ends of what is started.
 * @throws CommandError when the database would not be the test's own.
 */
export async function startQueueTarget(
  env: Record<string, string | undefined>,
  logFile: string,
  ends: AsyncDisposableStack,
): Promise<Target> {
  if (env["DATABASE_URL"])
    throw new CommandError("The database of DATABASE_URL is not this test's to stall: unset it for this scenario.");
  const folder = await mkdtemp(join(tmpdir(), "llm-cost-worker-"));
  ends.defer(() => rm(folder, { recursive: true, force: true }));
  const log = ends.adopt(createWriteStream(logFile), (log) => void log.end());
  const backends = await forkBackends();
  ends.defer(backends.stop);
  const scriptPath = join(folder, "worker.js");
  await bundle({ outfile: scriptPath, minify: true });
  const worker = await startWorker({
    scriptPath,
    compatibilityDate: await readCompatibilityDate(),
    port: 0,
    bindings: { ...backends.bindings, ADMIN_KEY, INGEST_MODE: "queue" },
    hyperdrives: {},
    queueUrl: backends.queueUrl,
    log: (message) => void log.write(`${message}\n`),
  });
  ends.defer(worker.stop);
  await waitUntilHealthy(worker.url);
  const server = { url: worker.url, key: await ensureKey(worker.url, ADMIN_KEY, API_KEY, undefined), keyIsLocal: true };
  await warmUp(server);
  return {
    server,
    async stall(ms) {
      const resume = await stallPostgres(backends.databaseUrl);
      // It cannot end while it stands still.
      ends.defer(resume);
      return { over: sleep(ms).then(resume) };
    },
  };
}

/** What a Worker does only once is no latency of the ledger. */
async function warmUp(server: Target["server"]): Promise<void> {
  using ledger = connect(server);
  for (const call of take(calls(Date.now() - 60_000, "warm-up"), WARM_UP_CALLS)) {
    await postTraces(ledger, JSON.stringify([call]));
  }
}
