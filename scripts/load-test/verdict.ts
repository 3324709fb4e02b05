/** Whether a stage broke, what held it back, and whether the run as a whole was right. */
import type { LedgerCheck } from "./account.ts";
import type { CpuUse, CpuUser } from "./cpu.ts";
import type { Figures } from "./record.ts";

const SLOW_MS = 1_000;
const LEAST_ACHIEVED = 0.9;
/** Of a core: a process with one busy thread can do no more. */
const ONE_CORE = 0.9;
/** Of all cores. */
const WHOLE_MACHINE = 0.93;

const NAMES: Record<Exclude<CpuUser, "machine">, string> = {
  load: "the load generator",
  worker: "the Worker (workerd)",
  endpoint: "the local endpoint (Postgres and Redis over HTTP)",
  postgres: "Postgres",
};
const SINGLE_THREADED = ["load", "worker", "endpoint"] as const;

export interface StageFigures extends Figures {
  name: string;
  users: number;
  /** A second. */
  offeredRate: number;
  /** Successful answers a second, until the last came. */
  achievedRate: number;
  cpu: CpuUse;
}

/** For `--help`. */
export const BREAKS = `its p95 is over ${SLOW_MS} ms, it has errors, or less than ${100 * LEAST_ACHIEVED}% of the offered rate is achieved`;

/** Why a stage counts as broken; empty when it held. */
export function brokenBy({ fromDueMs, outcomes, offeredRate, achievedRate }: StageFigures): string[] {
  const { ok: _, ...bad } = outcomes;
  const errors = Object.entries(bad).filter(([, count]) => count > 0);
  return [
    ...(fromDueMs.p95 > SLOW_MS ? [`p95 is ${Math.round(fromDueMs.p95)} ms`] : []),
    ...(errors.length > 0 ? [errors.map(([outcome, count]) => `${count} ${outcome}`).join(", ")] : []),
    ...(achievedRate < LEAST_ACHIEVED * offeredRate
      ? [`${Math.round((100 * achievedRate) / offeredRate)}% of the offered rate was achieved`]
      : []),
  ];
}

/** What was busiest, in a sentence: by CPU where the processes are known, else by what the answers say. */
export function bottleneck(stage: StageFigures, cores: number): string {
  const { cpu } = stage;
  if (cpu.worker === undefined) return byAnswers(stage, cores);
  const users = Object.keys(NAMES) as (keyof typeof NAMES)[];
  const use = users.map((user) => `${NAMES[user]} ${percent(cpu[user] ?? 0)}`).join(", ");
  const full = SINGLE_THREADED.filter((user) => (cpu[user] ?? 0) >= ONE_CORE);
  if (full.includes("load"))
    return `The load generator itself, which uses a whole core: the server may bear more (${use}).`;
  if (full.length > 0)
    return `${capital(full.map((user) => NAMES[user]).join(" and "))}: a whole core is used (${use}).`;
  if ((cpu.machine ?? 0) >= WHOLE_MACHINE * cores) {
    const others = cpu.machine! - users.reduce((sum, user) => sum + (cpu[user] ?? 0), 0);
    const most = users.toSorted((a, b) => (cpu[b] ?? 0) - (cpu[a] ?? 0))[0]!;
    const name = others > (cpu[most] ?? 0) ? "what else runs on it" : NAMES[most];
    return `The machine's CPU: all ${cores} cores are used, most by ${name} (${use}, anything else ${percent(others)}).`;
  }
  return `No CPU: requests wait for one another, for locks or for the disk (${use}).`;
}

function byAnswers({ outcomes, cpu }: StageFigures, cores: number): string {
  if ((cpu.load ?? 0) >= ONE_CORE)
    return "The load generator itself, which uses a whole core: the server may bear more.";
  const { limited, unavailable, error, failed } = outcomes;
  const worst = Math.max(limited, unavailable, error, failed);
  if (worst === 0) {
    const machine =
      cpu.machine === undefined ? "" : `, and this machine's ${cores} cores are at ${percent(cpu.machine / cores)}`;
    return `The server: it answers all, but late${machine}.`;
  }
  if (worst === limited) return "The server's rate limit: most failures are 429.";
  if (worst === unavailable) return "The database behind the server: most failures are 503.";
  if (worst === failed) return "The server's connections: most failures are without any answer.";
  return "The server's own faults: most failures are 5xx.";
}

/** What makes a run wrong, however fast it was; empty when it was right. */
export function faults({ outcomes }: Figures, ledger: LedgerCheck): string[] {
  return [
    ...(ledger.trouble === undefined ? [] : [`the ledger cannot be checked: ${ledger.trouble}`]),
    ...(ledger.lost > 0 ? [`${ledger.lost} acknowledged calls are lost`] : []),
    ...(ledger.surplus > 0 ? [`${ledger.surplus} calls more are counted than were sent`] : []),
    ...(outcomes.error > 0 ? [`${outcomes.error} answers were 5xx other than 503`] : []),
    ...(outcomes.refused > 0 ? [`${outcomes.refused} requests were refused`] : []),
  ];
}

/** More than so much later is not by chance. */
const FELT_MS = 50;

/** Whether answers came later while the database stood still: those of queue mode must not. Empty when they did not. */
export function stallFelt(before: Figures, during: Figures): string[] {
  const [was, is] = [before.fromDueMs.p95, during.fromDueMs.p95];
  if (is <= Math.max(2 * was, was + FELT_MS)) return [];
  return [`p95 rose from ${Math.round(was)} ms to ${Math.round(is)} ms while the database stood still`];
}

function percent(cores: number): string {
  return `${Math.round(100 * cores)}%`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
