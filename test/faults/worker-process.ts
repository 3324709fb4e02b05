/** The Worker as a process that can be killed: forked, it takes its options by a message and tells its address. */
import { type ChildProcess, execFileSync, fork } from "node:child_process";
import { once } from "node:events";
import { startWorker, type WorkerOptions } from "../../scripts/local/worker.ts";

export interface WorkerProcess {
  /** Fires cron; resolves when it has ended, however it ended. */
  cron(): Promise<void>;
  kill(): Promise<void>;
}

type Order = { start: WorkerOptions } | { cron: number };
type Reply = { ready: string } | { done: number };

/** The port of `options` stays the same for all that are started with them. */
export async function forkWorker(options: WorkerOptions): Promise<WorkerProcess> {
  const child: ChildProcess = fork(import.meta.filename, { stdio: ["ignore", "ignore", "ignore", "ipc"] });
  const ended = once(child, "exit");
  const order = (message: Order): void => void (child.connected && child.send(message, () => {}));
  order({ start: options });
  const ready = once(child, "message").then(([message]) => message as Reply);
  await Promise.race([ready, ended.then(() => Promise.reject(new Error("the Worker's process ended")))]);
  let crons = 0;
  const waiting = new Map<number, () => void>();
  child.on("message", (message: Reply) => "done" in message && waiting.get(message.done)?.());
  return {
    async cron() {
      const number = ++crons;
      const done = new Promise<void>((resolve) => void waiting.set(number, resolve));
      order({ cron: number });
      await Promise.race([done, ended]);
      waiting.delete(number);
    },
    async kill() {
      for (const pid of childrenOf(child.pid!)) signal(pid);
      child.kill("SIGKILL");
      await ended;
    },
  };
}

function childrenOf(pid: number): number[] {
  try {
    return execFileSync("pgrep", ["-P", String(pid), "-x", "workerd"])
      .toString()
      .trim()
      .split("\n")
      .map(Number);
  } catch {
    return [];
  }
}

function signal(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended already.
  }
}

if (import.meta.main) {
  let worker: Awaited<ReturnType<typeof startWorker>> | undefined;
  process.on("disconnect", () => process.exit(0));
  process.on("message", async (order: Order) => {
    if ("start" in order) {
      worker = await startWorker({ ...order.start, log: () => {} });
      process.send?.({ ready: worker.url } satisfies Reply);
    } else {
      await worker?.runCron("* * * * *").catch(() => {});
      process.send?.({ done: order.cron } satisfies Reply);
    }
  });
}
