/** Which part gives way first when traffic grows, and what helps. */
import { coordinatorLoad, coresOf } from "./citus.ts";
import type { Costs } from "./costs.ts";
import {
  HYPERDRIVE_CONNECTIONS,
  NEON_MOST_CORES,
  NEON_MOST_GB,
  neonSize,
  QUEUE_MESSAGES_PER_SECOND,
} from "./limits.ts";
import type { Bill } from "./bill.ts";
import type { Postgres, Scenario } from "./scenario.ts";
import type { Outcome } from "./simulate.ts";
import { mergeLoad, type Need, needOf, sizeFor } from "./size.ts";
import type { Day } from "./traffic.ts";

export interface Part {
  name: "Postgres CPU" | "Citus coordinator" | "merging" | "Postgres storage" | "connections" | "queue throughput";
  /** Of what there is of it, when it is used most; above 1 it does not hold. */
  share: number;
  used: string;
}

export interface Verdict {
  /** Fullest first. */
  parts: Part[];
  /** The fullest part; null where none is near its end. */
  bottleneck: Part["name"] | null;
  holds: boolean;
  advice: string[];
}

export interface Judged {
  scenario: Scenario;
  postgres: Postgres;
  costs: Costs;
  day: Day;
  need: Need;
  outcome: Outcome;
  storageGb: number;
  bill: Bill;
}

/** A read replica is worth it from there. */
const MANY_SUMMARIES = 0.3;
const MOST_OF_THE_PRICE = 0.5;
const NEAR_ITS_END = 0.1;

export function judge(judged: Judged): Verdict {
  const parts = partsOf(judged).sort((a, b) => b.share - a.share);
  const [{ name, share }] = parts as [Part, ...Part[]];
  const bottleneck = share < NEAR_ITS_END ? null : name;
  return {
    parts,
    bottleneck,
    holds: share <= 1 && judged.outcome.unavailable === 0,
    advice: [...(bottleneck ? ADVICE[bottleneck](judged) : []), ...alsoWorthIt(judged)],
  };
}

function partsOf({ scenario, postgres, need, outcome, storageGb }: Judged): Part[] {
  const { shards, coordinatorCores } = postgres;
  const cores = coresOf(postgres);
  const period = scenario.mode === "direct" ? "minute" : "hour";
  const number = (value: number): string =>
    value.toLocaleString("en-US", { maximumFractionDigits: value < 10 ? 2 : 0 });
  const mergeShare = mergeLoad(need, postgres);
  const parts: Part[] = [
    {
      name: "Postgres CPU",
      share: need.primary / cores,
      used: `${number(need.primary)} of ${number(cores)} CU in the busiest ${period}`,
    },
    {
      name: "merging",
      share: mergeShare,
      used: `${Math.round(mergeShare * 40)} of the 40 s that the scheduled run has, in the busiest hour`,
    },
    {
      name: "Postgres storage",
      share: storageGb / (NEON_MOST_GB * shards),
      used: `${number(storageGb)} of ${number(NEON_MOST_GB * shards)} GB`,
    },
    {
      name: "connections",
      share: outcome.busiest.connections / (HYPERDRIVE_CONNECTIONS * shards),
      used: `${number(outcome.busiest.connections)} of ${number(HYPERDRIVE_CONNECTIONS * shards)} of a pool in the busiest second`,
    },
  ];
  if (coordinatorCores > 0) {
    const share = coordinatorLoad(need.primary, postgres);
    const used = `${number(share * coordinatorCores)} of ${number(coordinatorCores)} CU in the busiest ${period}`;
    parts.push({ name: "Citus coordinator", share, used });
  }
  const messages = outcome.busiest.messages;
  const limit = QUEUE_MESSAGES_PER_SECOND * shards;
  if (scenario.mode === "queue") {
    parts.push({
      name: "queue throughput",
      share: messages / limit,
      used: `${number(messages)} of ${number(limit)} messages in the busiest second`,
    });
  }
  return parts;
}

const SHARD = "shard by project (a deployment for each shard, or --citus-workers)";

const ADVICE: Record<Part["name"], (judged: Judged) => string[]> = {
  "Postgres CPU"({ scenario, postgres, costs, day, storageGb }) {
    const advice: string[] = [];
    const fit = sizeFor(needOf(scenario, costs, day), storageGb, scenario.replica, scenario.citusWorkers);
    const cores = coresOf(postgres);
    const fitCores = coresOf(fit);
    if (fitCores > cores) advice.push(`A bigger Postgres: ${fitCores} CU in all carry this day with room to spare.`);
    else if (postgres.coresPerShard < NEON_MOST_CORES) {
      advice.push(`Next is a bigger Postgres: one goes up to ${NEON_MOST_CORES} CU.`);
    }
    if (fit.shards > postgres.shards || postgres.coresPerShard >= NEON_MOST_CORES) advice.push(`Past that, ${SHARD}.`);
    return advice;
  },
  "Citus coordinator": () => [
    "More workers do not help: every statement passes through the coordinator. A bigger one does, or a deployment for each shard.",
  ],
  merging: ({ postgres }) => [
    ...(postgres.coresPerShard < 2 ? ["A bigger Postgres: merges have a core for themselves from 2 CU on."] : []),
    postgres.coordinatorCores > 0
      ? "Merges of all workers run one after another: a deployment for each shard merges its own."
      : "Merges of a shard run one after another: shard by project with a deployment for each, which merges its own.",
    "Fewer tags and users to tell apart make merging cheaper.",
  ],
  "Postgres storage": ({ scenario }) => [
    `Keep traces for less than ${scenario.historyDays} days (rollups stay), ask Neon for more than ${NEON_MOST_GB / 1_000} TB a branch, or ${SHARD}.`,
  ],
  connections: ({ scenario }) => [
    scenario.mode === "direct" ? "Queue mode needs few connections; so do larger batches." : "Raise the pool's size.",
  ],
  "queue throughput": () => ["Larger batches make fewer messages; or use several queues."],
};

/** What helps whichever part is the fullest. */
function alsoWorthIt({ scenario, postgres, costs, day, need, outcome, storageGb, bill }: Judged): string[] {
  const advice: string[] = [];
  const cores = coresOf(postgres);
  if (scenario.mode === "direct") {
    const queued = sizeFor(
      needOf({ ...scenario, mode: "queue" }, costs, day),
      storageGb,
      scenario.replica,
      scenario.citusWorkers,
    );
    const queuedCores = coresOf(queued);
    if (queuedCores < cores) advice.push(`Queue mode evens out bursts: ${queuedCores} CU would do.`);
  }
  const { ingest, merge, summary } = outcome.databaseUs;
  if (!scenario.replica && cores > neonSize(0) && summary > MANY_SUMMARIES * (ingest + merge + summary)) {
    advice.push(
      `A read replica takes the summaries (${need.summaries.toFixed(1)} cores in the busiest hour) off the primary.`,
    );
  }
  const dearest = bill.lines.reduce((a, b) => (b.usd > a.usd ? b : a));
  const share = dearest.usd / bill.totalUsd;
  if (share > MOST_OF_THE_PRICE) {
    advice.push(`${Math.round(share * 100)}% of the price is ${dearest.what}${SAVING[dearest.name] ?? "."}`);
  }
  return advice;
}

const SAVING: Partial<Record<string, string>> = {
  "postgres-storage": ": keep traces for fewer days.",
  "workers-requests": ": send larger batches.",
  "queues-operations": ": send larger batches.",
  "redis-commands": ": a fixed plan of Upstash may cost less.",
};
