/**
 * What the processes of a run use of the CPU, second by second, from Linux's `/proc`: this one (which makes the load)
 * and those that it started. Elsewhere there is nothing to tell.
 */
import { readdir, readFile } from "node:fs/promises";
import { cpus } from "node:os";

/** In cores: 1 is one core at work all the time. The endpoint is Postgres' and Redis' HTTP; `machine` is all of it. */
export interface CpuUse {
  load?: number;
  worker?: number;
  endpoint?: number;
  postgres?: number;
  machine?: number;
}
export type CpuUser = keyof CpuUse;

export interface CpuSample {
  /** Its end, in ms since the run began. */
  atMs: number;
  seconds: number;
  cores: CpuUse;
}

/** Ticks a second in `/proc`; the same on all Linux that Node runs on. */
const TICKS = 100;
const EVERY_MS = 1_000;

export interface CpuWatch {
  readonly samples: readonly CpuSample[];
  stop(): void;
}

export function watchCpu(clock: () => number): CpuWatch {
  const samples: CpuSample[] = [];
  let before: { atMs: number; ticks: Ticks } | undefined;
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  const foreign = new Set<number>();
  // One after the other: samples that overlap on a busy machine would measure next to no time.
  const sample = async (): Promise<void> => {
    const atMs = clock();
    const ticks = await readTicks(foreign);
    if (stopped) return;
    if (before) {
      const seconds = (atMs - before.atMs) / 1_000;
      samples.push({ atMs, seconds, cores: used(before.ticks, ticks, seconds) });
    }
    before = { atMs, ticks };
    timer = setTimeout(() => void sample(), EVERY_MS);
  };
  if (process.platform === "linux") void sample();
  return {
    samples,
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}

/** The mean over samples, of those processes that are in them. */
export function meanUse(samples: readonly CpuSample[]): CpuUse {
  const users: CpuUser[] = ["load", "worker", "endpoint", "postgres", "machine"];
  const means = users.flatMap((user) => {
    const known = samples.filter(({ cores }) => cores[user] !== undefined);
    const seconds = known.reduce((sum, { seconds }) => sum + seconds, 0);
    const busy = known.reduce((sum, { seconds, cores }) => sum + seconds * cores[user]!, 0);
    return seconds === 0 ? [] : [[user, busy / seconds]];
  });
  return Object.fromEntries(means) as CpuUse;
}

type Ticks = Partial<Record<CpuUser, number>>;

function used(before: Ticks, after: Ticks, seconds: number): CpuUse {
  const uses = Object.entries(after).flatMap(([user, ticks]) => {
    const from = before[user as CpuUser];
    return from === undefined ? [] : [[user, Math.max(0, ticks - from) / TICKS / seconds]];
  });
  return Object.fromEntries(uses) as CpuUse;
}

interface Process {
  pid: number;
  parent: number;
  name: string;
  /** With those of children that have ended. */
  ticks: number;
}

/** @param foreign processes of others, which it adds to: reading them each time would be load as well. */
async function readTicks(foreign: Set<number>): Promise<Ticks> {
  const [processes, machine] = await Promise.all([readProcesses(foreign), readFile("/proc/stat", "utf8")]);
  const children = Map.groupBy(processes, ({ parent }) => parent);
  const ticks: Ticks = {};
  const add = (user: CpuUser, more: number): void => void (ticks[user] = (ticks[user] ?? 0) + more);
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
  // "cpu  user nice system idle iowait irq softirq steal …"
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = machine
    .split("\n", 1)[0]!
    .split(/\s+/)
    .slice(1)
    .map(Number);
  add("machine", user + nice + system + irq + softirq + steal);
  return ticks;
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

export function coresOfMachine(): number {
  return cpus().length;
}
