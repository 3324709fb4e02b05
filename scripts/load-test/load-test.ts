/** One load test from its first request to its report, against a server that is there. */
import { randomBytes } from "node:crypto";
import { machine } from "../bench/report.ts";
import { connect } from "../client/ledger.ts";
import { runLoad } from "../client/load.ts";
import type { Server } from "../client/server.ts";
import { startProgress } from "../progress.ts";
import { checkLedger, createAccount, type LedgerCheck } from "./account.ts";
import { coresOfMachine, type CpuSample, type CpuUse, meanUse, watchCpu } from "./cpu.ts";
import { type Part, planOf, type Work } from "./plan.ts";
import { createRecorder, type Figures, figures, type Recorder, type Tally } from "./record.ts";
import { settle } from "./settle.ts";
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
  using ledger = connect(server, TIMEOUT_MS);
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
      const endMs = startMs + part.endMs;
      await runLoad({
        ledger,
        clock,
        schedules: part.schedules().map((schedule) => shifted(schedule, startMs)),
        nextRequest: plan.nextRequest,
        endMs,
        onUnsent: (dueMs) => recorder.unsent(dueMs, endMs - dueMs),
        onAnswer(request, answer, times) {
          recorder.answered(request.kind, settle(account, request, answer), times);
          if (request.kind === "list" && answer?.status === 200) plan.seen?.(String(answer.body));
        },
      });
      await stalled?.over;
      stopProgress();
      const tookMs = clock() - startMs;
      const cores = meanUse(cpu.samples.filter(({ atMs }) => atMs > startMs + 1_000 && atMs <= startMs + part.lastsMs));
      const stage = stageFigures(part, tally, tookMs, cores);
      if (stalled && stages[0]) felt.push(...stallFelt(stages[0], stage));
      if (stalled) stalls.push({ fromSecond: startMs / 1_000, toSecond: (startMs + part.lastsMs) / 1_000 });
      const broken = brokenBy(stage);
      stages.push({ ...stage, brokenBy: broken });
      if (plan.climbs && broken.length > 0) break;
    }
  } finally {
    cpu.stop();
  }
  const check = await checkLedger(ledger, runId, account, startedMs);
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
    ledger: check,
    held: plan.climbs ? stages.findLast(({ brokenBy }) => brokenBy.length === 0)?.name : undefined,
    bottleneck: last && last.brokenBy.length > 0 ? bottleneck(last, cores) : undefined,
    faults: [...faults(total, check), ...felt],
  };
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
