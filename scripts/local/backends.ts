/**
 * The backends as a process of their own, for tests and benchmarks: forked, it tells its parent where they are, and
 * stops and forgets them when the parent disconnects or ends.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Backends, startBackends } from "./stack.ts";

export type BackendsProcess = Pick<Backends, "databaseUrl" | "bindings" | "hyperdriveUrl" | "queueUrl"> & {
  stop(): Promise<void>;
};

/**
 * Forks the process and waits until the backends are up.
 *
 * @param env `DATABASE_URL` and `REDIS_URL` name running servers.
 */
export async function forkBackends(env: NodeJS.ProcessEnv = process.env): Promise<BackendsProcess> {
  const child: ChildProcess = fork(import.meta.filename, { env });
  const ended = once(child, "exit");
  const message = await Promise.race([
    once(child, "message").then(([backends]) => backends as Omit<BackendsProcess, "stop">),
    ended.then(([code]) => {
      throw new Error(`the backends ended with code ${String(code)} before they were up`);
    }),
  ]);
  return {
    ...message,
    async stop() {
      child.disconnect();
      await ended;
    },
  };
}

if (import.meta.main) {
  const dataDir = await mkdtemp(join(tmpdir(), "llm-cost-"));
  const { databaseUrl, bindings, hyperdriveUrl, queueUrl, stop } = await startBackends({
    dataDir,
    databaseUrl: process.env["DATABASE_URL"],
    redisUrl: process.env["REDIS_URL"],
  });
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => {});
  process.once("disconnect", async () => {
    await stop();
    await rm(dataDir, { recursive: true, force: true });
    process.exit(0);
  });
  process.send?.({ databaseUrl, bindings, hyperdriveUrl, queueUrl });
}
