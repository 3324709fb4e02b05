/**
 * What the processes of a run use of the CPU, second by second, from Linux's `/proc`: this one (which makes the load)
 * and those that it started. Elsewhere there is nothing to tell.
 */
import { readFile } from "node:fs/promises";
import { cpus } from "node:os";
import { type CpuSeconds, readCpu, TICKS } from "../bench/cpu.ts";

/** In cores: 1 is one core at work all the time. `machine` is all of it. */
export interface CpuUse extends CpuSeconds {
  machine?: number;
}
export type CpuUser = keyof CpuUse;

export interface CpuSample {
  /** Its end, in ms since the run began. */
  atMs: number;
  seconds: number;
  cores: CpuUse;
}

const EVERY_MS = 1_000;

export interface CpuWatch {
  readonly samples: readonly CpuSample[];
  stop(): void;
}

export function watchCpu(clock: () => number): CpuWatch {
  const samples: CpuSample[] = [];
  let before: { atMs: number; cpu: CpuUse } | undefined;
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  const foreign = new Set<number>();
  // One after the other: samples that overlap on a busy machine would measure next to no time.
  const sample = async (): Promise<void> => {
    const atMs = clock();
    const cpu = await readAll(foreign);
    if (stopped) return;
    if (before) {
      const seconds = (atMs - before.atMs) / 1_000;
      samples.push({ atMs, seconds, cores: used(before.cpu, cpu, seconds) });
    }
    before = { atMs, cpu };
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

function used(before: CpuUse, after: CpuUse, seconds: number): CpuUse {
  const uses = Object.entries(after).flatMap(([user, cpuSeconds]) => {
    const from = before[user as CpuUser];
    return from === undefined ? [] : [[user, Math.max(0, cpuSeconds - from) / seconds]];
  });
  return Object.fromEntries(uses) as CpuUse;
}

/** CPU seconds so far. */
async function readAll(foreign: Set<number>): Promise<CpuUse> {
  const [own, machine] = await Promise.all([readCpu(foreign), readFile("/proc/stat", "utf8")]);
  // "cpu  user nice system idle iowait irq softirq steal …"
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = machine
    .split("\n", 1)[0]!
    .split(/\s+/)
    .slice(1)
    .map(Number);
  return { ...own, machine: (user + nice + system + irq + softirq + steal) / TICKS };
}

export function coresOfMachine(): number {
  return cpus().length;
}
