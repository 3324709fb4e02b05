/** The price of a month of such days, line by line. */
import { NEON_MOST_CORES_OF_LAUNCH } from "./limits.ts";
import type { PriceName, Prices } from "./prices.ts";
import type { Postgres, Scenario } from "./scenario.ts";
import type { Outcome } from "./simulate.ts";
import { gigabytes, type Storage } from "./storage.ts";

const DAYS_A_MONTH = 365 / 12;
const HOURS_A_MONTH = DAYS_A_MONTH * 24;
const RUNS_A_DAY = 1_440;
const OPERATION_BYTES = 64_000;

export interface Line {
  name: PriceName;
  what: string;
  quantity: number;
  unit: string;
  usd: number;
}

export interface Bill {
  lines: Line[];
  totalUsd: number;
}

export function billOf(
  scenario: Scenario,
  postgres: Postgres,
  outcome: Outcome,
  storage: Storage,
  prices: Prices,
): Bill {
  const cores = postgres.shards * postgres.coresPerShard + postgres.replicaCores + postgres.coordinatorCores;
  const large = postgres.shards > 1 || postgres.coresPerShard > NEON_MOST_CORES_OF_LAUNCH;
  const monthly = (perDay: number): number => perDay * DAYS_A_MONTH;
  const invocations =
    outcome.requests + outcome.reads + RUNS_A_DAY + (scenario.mode === "queue" ? outcome.statements : 0);
  const operations: [PriceName, number] = ["queues-operations", monthly(operationsOf(scenario, outcome))];
  const quantities: [PriceName, number][] = [
    ["workers-plan", 1],
    ["workers-requests", monthly(invocations)],
    ["workers-cpu", monthly(outcome.workerUs) / 1_000],
    ...(scenario.mode === "queue" ? [operations] : []),
    ["hyperdrive", 1],
    [large ? "postgres-compute-large" : "postgres-compute", cores * HOURS_A_MONTH],
    ["postgres-storage", gigabytes(storage)],
    ["redis-commands", monthly(commandsOf(scenario, outcome))],
  ];
  const lines = quantities.map(([name, quantity]): Line => {
    const { what, usd, per, unit, included } = prices[name];
    return { name, what, quantity, unit, usd: (Math.max(0, quantity - included) * usd) / per };
  });
  return { lines, totalUsd: lines.reduce((sum, { usd }) => sum + usd, 0) };
}

/** Each 64 KB of a message is written, read and deleted. */
function operationsOf({ payloadBytes }: Scenario, { arrived, messages }: Outcome): number {
  const bytes = messages > 0 ? (arrived * payloadBytes) / messages : 0;
  return messages * Math.max(1, Math.ceil(bytes / OPERATION_BYTES)) * 3;
}

/** A look-up a summary, a store a miss; the scheduled run asks and takes its flag. Raising the flag is rare. */
function commandsOf({ cacheHits }: Scenario, { reads }: Outcome): number {
  return reads * (2 - cacheHits) + RUNS_A_DAY * 2;
}
