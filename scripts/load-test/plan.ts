/** What a scenario or a recording comes to: when requests are due, in which parts, and what they are. */
import { readRecording } from "./recording.ts";
import { type Stage, scenario, type ScenarioName } from "./scenarios.ts";
import { dueBySecond, replaySchedule, userSchedule } from "./schedule.ts";
import { createReplay, createTraffic, type Request } from "./traffic.ts";

/** A scenario, or a recording to replay. */
export type Work = { scenario: ScenarioName } | { replay: string; speed: number };

export interface Part {
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
  /** The database stands still meanwhile. */
  stalled: boolean;
}

export interface Plan {
  name: string;
  parts: Part[];
  climbs: boolean;
  nextRequest: () => Request;
  seen?: (list: string) => void;
}

/** Does the work need a server whose database it may stall? */
export function stalls(work: Work): boolean {
  return "scenario" in work && scenario(work.scenario, undefined).stages.some(({ stalled }) => stalled);
}

/** Requests of a replay that may be under way at once. */
const REPLAY_CONNECTIONS = 256;
/** What a replay may be late at its end. */
const REPLAY_GRACE_MS = 30_000;

/**
 * @param seconds of the whole, or of each step where there are several; undefined: the scenario's or the recording's
 * own.
 */
export async function planOf(runId: string, work: Work, seconds: number | undefined): Promise<Plan> {
  return "scenario" in work ? planScenario(runId, work.scenario, seconds) : planReplay(runId, work, seconds);
}

function planScenario(runId: string, name: ScenarioName, seconds: number | undefined): Plan {
  const { mix, stages, climbs } = scenario(name, seconds);
  const traffic = createTraffic(runId, mix);
  return { name, parts: stages.map(partOf), climbs, nextRequest: traffic.next, seen: traffic.seen };
}

function partOf({ name, users, ratePerSecond, seconds, stalled = false }: Stage): Part {
  const endMs = seconds * 1_000;
  const schedules = () => Array.from({ length: users }, (_, user) => userSchedule(user, users, ratePerSecond, endMs));
  const offered = () => dueBySecond(schedules().flatMap((times) => [...times]));
  return { name, users, schedules, offered, lastsMs: endMs, endMs, stalled };
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
    stalled: false,
  };
  const name = `replay of ${replay}, ${speed} times as fast`;
  return { name, parts: [part], climbs: false, nextRequest: createReplay(runId, calls) };
}
