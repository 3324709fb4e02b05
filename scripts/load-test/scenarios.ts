/** What each scenario asks for: users, their rate, and what share of their requests writes how many calls. */

export const SCENARIOS = ["normal", "peak", "stress", "seed", "stall"] as const;
export type ScenarioName = (typeof SCENARIOS)[number];

export interface Mix {
  /** Of all requests, 0 to 1; the others read. */
  writes: number;
  /** Calls in one write: from, to. */
  callsPerWrite: readonly [least: number, most: number];
}

export interface Stage {
  name: string;
  users: number;
  /** Of each user. */
  ratePerSecond: number;
  seconds: number;
  /** The database stands still meanwhile. */
  stalled?: boolean;
}

export interface Scenario {
  mix: Mix;
  /** One after the other; a climb ends with the first that breaks. */
  stages: Stage[];
  climbs: boolean;
}

const USUAL: Mix = { writes: 0.3, callsPerWrite: [1, 5] };
const HIGH_INGEST: Mix = { writes: 0.7, callsPerWrite: [10, 50] };
const INGEST_ONLY: Mix = { writes: 1, callsPerWrite: [1, 5] };

const CLIMB_FROM_USERS = 10;
const CLIMB_TO_USERS = 5_000;
const CLIMB_FACTOR = 1.5;
const RATE_OF_CLIMBER = 10;

/** @param seconds of the whole, or of each step where there are several; undefined: the scenario's own. */
export function scenario(name: ScenarioName, seconds: number | undefined): Scenario {
  const steady = (mix: Mix, users: number, ratePerSecond: number, usual: number): Scenario => ({
    mix,
    stages: [{ name, users, ratePerSecond, seconds: seconds ?? usual }],
    climbs: false,
  });
  switch (name) {
    case "normal":
      return steady(USUAL, 100, 10, 60);
    case "peak":
      return steady(HIGH_INGEST, 500, 15, 60);
    case "seed":
      return steady(USUAL, 100, 5, 600);
    case "stress":
      return { mix: USUAL, stages: climb(seconds ?? 10), climbs: true };
    case "stall": {
      const load = { users: 40, ratePerSecond: 1, seconds: seconds ?? 10 };
      const stages: Stage[] = [
        { name: "before", ...load },
        { name: "database stalled", ...load, stalled: true },
        { name: "after", ...load },
      ];
      return { mix: INGEST_ONLY, stages, climbs: false };
    }
  }
}

function climb(seconds: number): Stage[] {
  const stages: Stage[] = [];
  for (let users = CLIMB_FROM_USERS; users <= CLIMB_TO_USERS; users = Math.round(users * CLIMB_FACTOR)) {
    stages.push({ name: `${users * RATE_OF_CLIMBER}/s`, users, ratePerSecond: RATE_OF_CLIMBER, seconds });
  }
  return stages;
}

/** A line for `--help`. */
export function describeScenario(name: ScenarioName): string {
  const { mix, stages, climbs } = scenario(name, undefined);
  const [{ users, ratePerSecond, seconds }] = stages as [Stage];
  const [least, most] = mix.callsPerWrite;
  const reads = Math.round(100 * (1 - mix.writes));
  const requests = `${ratePerSecond} requests/s each, ${reads}% reads, writes of ${least} to ${most} calls`;
  if (climbs) return `${users} users, half as many more every ${seconds} s until it breaks, ${requests}`;
  const stalled = stages.findIndex(({ stalled }) => stalled);
  const stall = stalled < 0 ? "" : `; in part ${stalled + 1} of ${stages.length} Postgres stands still`;
  return `${users} users for ${seconds} s, ${requests}${stall}`;
}
