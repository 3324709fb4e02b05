/** One load test from its first request to its report, against a server that is there. */
import { randomBytes } from "node:crypto";
import { machine } from "../bench/report.ts";
import { startProgress } from "../import/progress.ts";
import type { Server } from "../import/server.ts";
import { checkLedger, createAccount, type LedgerCheck } from "./account.ts";
import { createClient } from "./client.ts";
import { coresOfMachine, type CpuSample, type CpuUse, meanUse, watchCpu } from "./cpu.ts";
import { createRecorder, type Figures, figures, type Recorder, type Tally } from "./record.ts";
import { readRecording } from "./recording.ts";
import { runUsers } from "./run.ts";
import { type Scenario, type Stage, scenario, type ScenarioName } from "./scenarios.ts";
import { dueBySecond, replaySchedule, userSchedule } from "./schedule.ts";
import { createReplay, createTraffic, type Request } from "./traffic.ts";
import { bottleneck, brokenBy, faults, type StageFigures } from "./verdict.ts";

export type Work = { scenario: ScenarioName } | { replay: string; speed: number };

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
/** Requests of a replay that may be under way at once. */
const REPLAY_CONNECTIONS = 256;
/** What a replay may be late at its end. */
const REPLAY_GRACE_MS = 30_000;

interface Part {
  name: string;
  users: number;
  /** One of each user (or one shared by all), in ms since the part began. */
  schedules: () => Iterator<number, void>[];
  /** How many requests are due in each second. */
  offered: () => number[];
  /** Over which it offers them. */
  lastsMs: number;
  /** From when on nothing is sent. */
  endMs: number;
}

interface Plan {
  name: string;
  parts: Part[];
  climbs: boolean;
  nextRequest: () => Request;
  seen?: (list: string) => void;
}

export async function loadTest(server: Server, work: Work, seconds: number | undefined): Promise<LoadReport> {
  const runId = randomBytes(6).toString("hex");
  const plan =
    "scenario" in work ? planScenario(runId, work.scenario, seconds) : await planReplay(runId, work, seconds);
  const client = createClient(server, TIMEOUT_MS);
  const recorder = createRecorder();
  const account = createAccount();
  const startedMs = Date.now();
  const began = performance.now();
  const clock = (): number => performance.now() - began;
  const cpu = watchCpu(clock);
  const stages: LoadReport["stages"] = [];
  try {
    for (const part of plan.parts) {
      const startMs = clock();
      const tally = recorder.startStage();
      const stopProgress = showProgress(part, recorder, startMs, clock);
      const run = { client, recorder, account, clock, nextRequest: plan.nextRequest };
      const schedules = part.schedules().map((schedule) => shifted(schedule, startMs));
      await runUsers(plan.seen ? { ...run, seen: plan.seen } : run, schedules, startMs + part.endMs);
      stopProgress();
      const endMs = clock();
      const cores = meanUse(cpu.samples.filter(({ atMs }) => atMs > startMs + 1_000 && atMs <= startMs + part.lastsMs));
      const stage = stageFigures(part, tally, endMs - startMs, cores);
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
      cpu: [...cpu.samples],
      meanCpu: meanUse(cpu.samples),
      ledger,
      held: plan.climbs ? stages.findLast(({ brokenBy }) => brokenBy.length === 0)?.name : undefined,
      bottleneck: last && last.brokenBy.length > 0 ? bottleneck(last, cores) : undefined,
      faults: faults(total, ledger),
    };
  } finally {
    client.close();
  }
}

function planScenario(runId: string, name: ScenarioName, seconds: number | undefined): Plan {
  const { mix, stages, climbs }: Scenario = scenario(name, seconds);
  const traffic = createTraffic(runId, mix);
  return { name, parts: stages.map(partOf), climbs, nextRequest: traffic.next, seen: traffic.seen };
}

function partOf({ name, users, ratePerSecond, seconds }: Stage): Part {
  const endMs = seconds * 1_000;
  const schedules = () => Array.from({ length: users }, (_, user) => userSchedule(user, users, ratePerSecond, endMs));
  const offered = () => dueBySecond(schedules().flatMap((times) => [...times]));
  return { name, users, schedules, offered, lastsMs: endMs, endMs };
}

async function planReplay(
  runId: string,
  { replay, speed }: { replay: string; speed: number },
  seconds: number | undefined,
): Promise<Plan> {
  const { timesMs, calls } = await readRecording(replay);
  const all = replaySchedule(timesMs, speed);
  const due = seconds === undefined ? all : all.filter((ms) => ms < seconds * 1_000);
  const users = Math.min(REPLAY_CONNECTIONS, due.length);
  const lastsMs = Math.max(1_000, due.at(-1) ?? 0);
  const part: Part = {
    name: "replay",
    users,
    // Whoever is free takes the next: a recording knows no users.
    schedules: () => Array<Iterator<number, void>>(users).fill(due.values()),
    offered: () => dueBySecond(due),
    lastsMs,
    endMs: lastsMs + REPLAY_GRACE_MS,
  };
  const name = `replay of ${replay}, ${speed} times as fast`;
  return { name, parts: [part], climbs: false, nextRequest: createReplay(runId, calls) };
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
