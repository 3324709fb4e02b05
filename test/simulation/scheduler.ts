/**
 * Runs a concurrent history under control. Its actors wait for their turn at named points, the scheduler lets one of
 * them go on at a time, and time passes when the scheduler says so. What it decides is one list of numbers, so each run
 * can be repeated. The decisions are either enumerated, which gives every schedule of a small history, or drawn from a
 * seed. A history that fails says how to run it alone.
 */
import { relative } from "node:path";
import { expect } from "vitest";

export interface World {
  /** Waits until the scheduler chooses this point. Names begin with the actor: `reader 1: snapshot`. */
  turn(name: string): Promise<void>;
  /** One of several outcomes, which the scheduler chooses. */
  choose<T>(name: string, outcomes: readonly T[]): T;
  /** Virtual time, epoch ms. */
  now(): number;
  /** Lets virtual time pass. Timers that are due fire. */
  pass(ms: number): void;
  /**
   * Work outside the simulation, such as a statement of a real database. The scheduler decides nothing until the work is
   * done or blocked by another actor.
   */
  outside<T>(work: Promise<T>, isBlocked?: () => Promise<boolean>): Promise<T>;
}

/** Throws if a promise is broken. It has failed, too, if it waits for something that cannot come. */
export type History = (world: World) => Promise<void>;

interface Options {
  /** Timers fire at any time (a slow world), or only if no actor can go on. */
  timers?: "any" | "idle";
  /** How often an actor that could go on may be interrupted. */
  interruptions?: number;
}

/** How many seeds the long form runs, and what to run alone: `seed:17` or `schedule:0.2.1`. */
const SEEDS = process.env["SIMULATION_SEEDS"];
const ALONE = process.env["SIMULATION_RUN"];
const START_MS = Date.UTC(2026, 2, 10, 12, 30);

/** No history has as many. */
const MOST_STEPS = 10_000;

type Decide = (options: number) => number;

interface Run {
  decisions: { at: number; of: number }[];
  names: string[];
  /** The error of a run that failed. */
  error?: unknown;
}

/** Runs every schedule of a history. */
export async function everySchedule(history: History, options: Options = {}): Promise<void> {
  if (ALONE !== undefined) return await alone("schedule", history, options);
  let next: number[] = [];
  for (;;) {
    const run = await play(history, following(next), options);
    if ("error" in run) throw failure(run);
    const last = run.decisions.findLastIndex(({ at, of }) => at + 1 < of);
    if (last < 0) return;
    next = run.decisions.slice(0, last + 1).map(({ at }) => at);
    next[last]!++;
  }
}

/** Runs a history under `count` schedules that seeds decide. */
export async function seededSchedules(history: History, count: number, options: Options = {}): Promise<void> {
  if (ALONE !== undefined) return await alone("seed", history, options);
  for (let seed = 0; seed < Number(SEEDS ?? count); seed++) {
    const run = await play(history, drawing(seed), options);
    if ("error" in run) throw failure(run, seed);
  }
}

/** Runs the history under `ALONE`, if that is of this kind. */
async function alone(own: "schedule" | "seed", history: History, options: Options): Promise<void> {
  const [kind, value = ""] = ALONE!.split(":");
  if (kind !== own) return;
  const seed = kind === "seed" ? Number(value) : undefined;
  const decide = seed === undefined ? following(value.split(".").map(Number)) : drawing(seed);
  const run = await play(history, decide, options);
  if ("error" in run) throw failure(run, seed);
}

function failure({ decisions, names, error }: Run, seed?: number): Error {
  const which = seed === undefined ? `schedule:${decisions.map(({ at }) => at).join(".")}` : `seed:${seed}`;
  const { currentTestName, testPath } = expect.getState();
  const reason = error instanceof Error ? error.message : String(error);
  const again = `SIMULATION_RUN=${which} npx vitest run --project node ${relative("", testPath ?? "")} -t "${currentTestName ?? ""}"`;
  return new Error(`${which} fails: ${reason}\n\n${names.join("\n")}\n\nRun it alone:\n${again}`, { cause: error });
}

/** Makes these decisions, and the first possible one after them. */
function following(decisions: readonly number[]): Decide {
  let next = 0;
  return () => decisions[next++] ?? 0;
}

/** Draws decisions from a seed (mulberry32). */
function drawing(seed: number): Decide {
  let state = Math.imul(seed + 1, 0x9e3779b1);
  return (options) => {
    state = (state + 0x6d2b79f5) | 0;
    let bits = Math.imul(state ^ (state >>> 15), 1 | state);
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits;
    return ((bits ^ (bits >>> 14)) >>> 0) % options;
  };
}

async function play(history: History, decide: Decide, { timers = "idle", interruptions = Infinity }: Options) {
  const run: Run = { decisions: [], names: [] };
  const points: { name: string; go: () => void }[] = [];
  const alarms: { atMs: number; ring: () => void }[] = [];
  const works = new Set<{ settled: Promise<unknown>; isBlocked: () => Promise<boolean> }>();
  let nowMs = START_MS;
  let last = "";
  let left = interruptions;

  function decision(options: number): number {
    if (options === 1) return 0;
    const at = decide(options);
    run.decisions.push({ at, of: options });
    return at;
  }

  function pass(untilMs: number): void {
    for (;;) {
      const next = alarms.reduce<number>(
        (first, { atMs }, i) => (atMs < (alarms[first]?.atMs ?? untilMs + 1) ? i : first),
        -1,
      );
      if (next < 0) break;
      const [alarm] = alarms.splice(next, 1);
      nowMs = Math.max(nowMs, alarm!.atMs);
      alarm!.ring();
    }
    nowMs = untilMs;
  }

  const world: World = {
    turn: (name) => new Promise((go) => points.push({ name, go })),
    choose(name, outcomes) {
      const chosen = outcomes[decision(outcomes.length)]!;
      run.names.push(`${name}: ${String(chosen)}`);
      return chosen;
    },
    now: () => nowMs,
    pass: (ms) => pass(nowMs + ms),
    outside(work, isBlocked = async () => false) {
      const own = {
        settled: work.then(
          () => undefined,
          () => undefined,
        ),
        isBlocked,
      };
      works.add(own);
      void own.settled.then(() => works.delete(own));
      return work;
    },
  };

  /** Lets one actor go on, or time pass. Returns false if nothing is left that could happen. */
  function step(): boolean {
    const own = last === "" ? [] : points.filter(({ name }) => actorOf(name) === last);
    const bound = left === 0 && own.length > 0;
    const options = (bound ? own : points).toSorted((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
    const mayRing = alarms.length > 0 && !bound && (timers === "any" || points.length === 0);
    if (options.length === 0 && !mayRing) return false;
    const point = options[decision(options.length + (mayRing ? 1 : 0))];
    if (!point) {
      const atMs = Math.min(...alarms.map((alarm) => alarm.atMs));
      run.names.push(`${Math.max(atMs - nowMs, 0)} ms pass`);
      pass(Math.max(atMs, nowMs));
      return true;
    }
    if (own.length > 0 && actorOf(point.name) !== last) left--;
    last = actorOf(point.name);
    run.names.push(point.name);
    points.splice(points.indexOf(point), 1);
    point.go();
    return true;
  }

  const real = { setTimeout: globalThis.setTimeout, clearTimeout: globalThis.clearTimeout, random: Math.random };
  const virtual = {
    setTimeout: (ring: () => void, ms = 0) => {
      const alarm = { atMs: nowMs + ms, ring };
      alarms.push(alarm);
      return alarm;
    },
    clearTimeout: (alarm: (typeof alarms)[number]) => {
      const at = alarms.indexOf(alarm);
      if (at >= 0) alarms.splice(at, 1);
    },
  };
  Object.assign(globalThis, virtual);
  Math.random = () => 0.5;
  try {
    let isOver = false;
    const ended = history(world).finally(() => (isOver = true));
    ended.catch(() => undefined);
    for (;;) {
      await quiet(works, real.setTimeout);
      if (isOver) break;
      if (run.names.length > MOST_STEPS) throw new Error("somebody goes on for ever");
      if (step()) continue;
      if (works.size > 0) await Promise.race([...works].map(({ settled }) => settled));
      else throw new Error("somebody waits for ever");
    }
    await ended;
  } catch (error) {
    run.error = error;
  } finally {
    Object.assign(globalThis, { setTimeout: real.setTimeout, clearTimeout: real.clearTimeout });
    Math.random = real.random;
  }
  return run;
}

/** Waits until all that can happen without the scheduler has happened. */
async function quiet(
  works: ReadonlySet<{ settled: Promise<unknown>; isBlocked: () => Promise<boolean> }>,
  after: typeof setTimeout,
): Promise<void> {
  for (;;) {
    // Promises that follow from one another all settle before it.
    await new Promise((resolve) => setImmediate(resolve));
    if (works.size === 0) return;
    const settled = Promise.race([...works].map((work) => work.settled.then(() => true)));
    const soon = new Promise<false>((resolve) => void after(() => resolve(false), 2));
    if (await Promise.race([settled, soon])) continue;
    let blocked = 0;
    for (const work of works) if (await work.isBlocked()) blocked++;
    if (blocked > 0 && blocked === works.size) return;
  }
}

function actorOf(name: string): string {
  return name.split(":")[0]!;
}
