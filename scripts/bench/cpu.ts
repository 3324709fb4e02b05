/** CPU time of this process and of those that it started, from Linux's `/proc`. Elsewhere there is nothing to tell. */
import { readdir, readFile } from "node:fs/promises";

/** This process is the load; the endpoint is Postgres' and Redis' HTTP. */
export interface CpuSeconds {
  load?: number;
  worker?: number;
  endpoint?: number;
  postgres?: number;
}

/** Ticks a second in `/proc`; the same on all Linux that Node runs on. */
export const TICKS = 100;

/** What the work took, in CPU seconds by process; empty where the system does not tell. */
export async function cpuOf<T>(work: () => Promise<T>): Promise<{ value: T; cpu: CpuSeconds }> {
  if (process.platform !== "linux") return { value: await work(), cpu: {} };
  const before = await readCpu();
  const value = await work();
  const after = await readCpu();
  const users = Object.keys(after) as (keyof CpuSeconds)[];
  const cpu = Object.fromEntries(users.map((user) => [user, after[user]! - (before[user] ?? 0)]));
  return { value, cpu };
}

interface Process {
  pid: number;
  parent: number;
  name: string;
  /** With those of children that have ended. */
  ticks: number;
}

/**
 * CPU seconds so far.
 *
 * @param foreign processes of others, which it adds to: reading them each time would be load as well.
 */
export async function readCpu(foreign = new Set<number>()): Promise<CpuSeconds> {
  const processes = await readProcesses(foreign);
  const children = Map.groupBy(processes, ({ parent }) => parent);
  const seconds: CpuSeconds = {};
  const add = (user: keyof CpuSeconds, ticks: number): void => {
    seconds[user] = (seconds[user] ?? 0) + ticks / TICKS;
  };
  const own = new Set([process.pid]);
  const walk = (pid: number): void => {
    for (const child of children.get(pid) ?? []) {
      add(child.name === "workerd" ? "worker" : child.name === "postgres" ? "postgres" : "endpoint", child.ticks);
      own.add(child.pid);
      walk(child.pid);
    }
  };
  walk(process.pid);
  for (const { pid } of processes) if (!own.has(pid)) foreign.add(pid);
  add("load", processes.find(({ pid }) => pid === process.pid)?.ticks ?? 0);
  return seconds;
}

async function readProcesses(foreign: ReadonlySet<number>): Promise<Process[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name) && !foreign.has(Number(name)));
  const stats = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/stat`, "utf8").catch(() => "")));
  return stats.flatMap((stat) => {
    if (stat === "") return [];
    // "pid (name) state parent …": the name may contain anything, so count from its end.
    const nameEnd = stat.lastIndexOf(")");
    const fields = stat.slice(nameEnd + 2).split(" ");
    const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
    return [
      {
        pid: Number.parseInt(stat, 10),
        parent: Number(fields[1]),
        name: stat.slice(stat.indexOf("(") + 1, nameEnd),
        ticks,
      },
    ];
  });
}
