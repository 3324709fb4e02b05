/** One load test from its first request to its report, against a server that is there. */
import { randomBytes } from "node:crypto";
import { machine } from "../bench/report.ts";
import { startProgress } from "../import/progress.ts";
import type { Server } from "../import/server.ts";
import { checkLedger, createAccount, type LedgerCheck } from "./account.ts";
import { createClient } from "./client.ts";
import { coresOfMachine, type CpuSample, type CpuUse, meanUse, watchCpu } from "./cpu.ts";
import { type Part, planOf, type Work } from "./plan.ts";
import { createRecorder, type Figures, figures, type Recorder, type Tally } from "./record.ts";
import { runUsers } from "./run.ts";
import type { Target } from "./target.ts";
import { bottleneck, brokenBy, faults, stallFelt, type StageFigures } from "./verdict.ts";

export interface LoadReport {
  name: string;
  startedAt: string;
  target: string;
  machine: string;
  cores: number;
  total: Figures;
  kinds: Record<string, Figures>;
  stages: (StageFigures & { brokenBy: string[] })[];
  seconds: Figures[];
  /** When the database stood still, in seconds since the run began. */
  stalls: { fromSecond: number; toSecond: number }[];
  cpu: CpuSample[];
  meanCpu: CpuUse;
  ledger: LedgerCheck;
  /** Of a climb: the last stage that held. */
  held: string | undefined;
  /** Of the last stage, where it broke. */
  bottleneck: string | undefined;
  /** What was wrong; empty: the run is right. */
  faults: string[];
}

const TIMEOUT_MS = 30_000;

/** @param stall of a target that can; work that needs none goes without. */
export async function loadTest(
  server: Server,
  work: Work,
  seconds: number | undefined,
  stall?: Target["stall"],
): Promise<LoadReport> {
  const runId = randomBytes(6).toString("hex");
  const plan = await planOf(runId, work, seconds);
  const client = createClient(server, TIMEOUT_MS);
  const recorder = createRecorder();
  const account = createAccount();
  const startedMs = Date.now();
  const began = performance.now();
  const clock = (): number => performance.now() - began;
  const cpu = watchCpu(clock);
  const stages: LoadReport["stages"] = [];
  const stalls: LoadReport["stalls"] = [];
  const felt: string[] = [];
  try {
    for (const part of plan.parts) {
      const stalled = part.stalled ? await stall?.(part.lastsMs) : undefined;
      const startMs = clock();
      const tally = recorder.startStage();
      const stopProgress = showProgress(part, recorder, startMs, clock);
      const run = { client, recorder, account, clock, nextRequest: plan.nextRequest };
      const schedules = part.schedules().map((schedule) => shifted(schedule, startMs));
      await runUsers(plan.seen ? { ...run, seen: plan.seen } : run, schedules, startMs + part.endMs);
      await stalled?.over;
      stopProgress();
      const endMs = clock();
      const cores = meanUse(cpu.samples.filter(({ atMs }) => atMs > startMs + 1_000 && atMs <= startMs + part.lastsMs));
      const stage = stageFigures(part, tally, endMs - startMs, cores);
      if (stalled && stages[0]) felt.push(...stallFelt(stages[0], stage));
      if (stalled) stalls.push({ fromSecond: startMs / 1_000, toSecond: (startMs + part.lastsMs) / 1_000 });
      const broken = brokenBy(stage);
      stages.push({ ...stage, brokenBy: broken });
      if (plan.climbs && broken.length > 0) break;
    }
  } finally {
    cpu.stop();
  }
  try {
    const ledger = await checkLedger(client, runId, account, startedMs).catch((error: Error): LedgerCheck => {
      const { acknowledged, open } = account;
      return { acknowledged, open, counted: 0, lost: 0, surplus: 0, trouble: error.message };
    });
    const total = figures(recorder.total);
    const last = stages.at(-1);
    const cores = coresOfMachine();
    return {
      name: plan.name,
      startedAt: new Date(startedMs).toISOString(),
      target: server.url,
      machine: machine(),
      cores,
      total,
      kinds: Object.fromEntries([...recorder.kinds].map(([kind, tally]) => [kind, figures(tally)])),
      stages,
      seconds: recorder.seconds.map(figures),
      stalls,
      cpu: [...cpu.samples],
      meanCpu: meanUse(cpu.samples),
      ledger,
      held: plan.climbs ? stages.findLast(({ brokenBy }) => brokenBy.length === 0)?.name : undefined,
      bottleneck: last && last.brokenBy.length > 0 ? bottleneck(last, cores) : undefined,
      faults: [...faults(total, ledger), ...felt],
    };
  } finally {
    client.close();
  }
}

function* shifted(schedule: Iterator<number, void>, byMs: number): Generator<number, void> {
  for (let next = schedule.next(); !next.done; next = schedule.next()) yield next.value + byMs;
}

function stageFigures(part: Part, tally: Tally, tookMs: number, cpu: CpuUse): StageFigures {
  const all = figures(tally);
  return {
    name: part.name,
    users: part.users,
    ...all,
    offeredRate: (all.offered / part.lastsMs) * 1_000,
    achievedRate: (all.outcomes.ok / Math.max(tookMs, part.lastsMs)) * 1_000,
    cpu,
  };
}

/** Once a second: what the last full second was like. */
function showProgress(part: Part, recorder: Recorder, startMs: number, clock: () => number): () => void {
  const progress = startProgress(part.name, Math.ceil(part.lastsMs / 1_000));
  const offered = part.offered();
  const update = (): void => {
    const nowMs = clock();
    const second = Math.floor((nowMs - startMs) / 1_000) - 1;
    const last = recorder.seconds[Math.floor(nowMs / 1_000) - 1];
    if (last) progress.update(second + 1, secondSentence(offered[second] ?? 0, figures(last), recorder.total));
  };
  const timer = setInterval(update, 1_000);
  return () => {
    clearInterval(timer);
    progress.stop();
  };
}

function secondSentence(offered: number, { outcomes, fromDueMs }: Figures, total: Tally): string {
  const { ok, limited, unavailable, ...others } = total.outcomes;
  const failed = others.refused + others.error + others.failed;
  const bad = `429 ${limited}, 503 ${unavailable}, other errors ${failed}`;
  return `offered ${offered}/s, achieved ${outcomes.ok}/s, p95 ${fromDueMs.p95.toFixed(0)} ms | ${ok} ok, ${bad}`;
}
