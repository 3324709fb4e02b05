/** The smallest Postgres that carries a day, where none is given. */
import { coresOfNode, mergers } from "./citus.ts";
import type { Costs } from "./costs.ts";
import { coresForMerge, MERGE_SECONDS } from "./database.ts";
import { NEON_MOST_CORES, NEON_MOST_GB, neonSize } from "./limits.ts";
import { secondOf } from "./requests.ts";
import type { Postgres, Scenario } from "./scenario.ts";
import { DAY_SECONDS, type Day } from "./traffic.ts";

/** Above that, waiting by chance gets long. */
const FULL_ENOUGH = 0.7;

/** Work that the day asks for, in cores on average over the period when it is most. */
export interface Need {
  /**
   * Of all work on the primary. In direct mode of the busiest minute: callers wait. In queue mode of the busiest hour.
   */
  primary: number;
  /** Of summaries alone, of the busiest hour. */
  summaries: number;
  /** Of merging alone, of the busiest hour. */
  merge: number;
}

export function needOf(scenario: Scenario, costs: Costs, day: Day): Need {
  const minutes = DAY_SECONDS / 60;
  const ingest = new Float64Array(minutes);
  const merge = new Float64Array(minutes);
  const summaries = new Float64Array(minutes);
  for (let at = 0; at < DAY_SECONDS; at++) {
    const { traces, statements, reads } = secondOf(day, at, scenario);
    const minute = Math.floor(at / 60);
    ingest[minute]! += statements * costs.databaseUsPerStatement + traces * costs.databaseUsPerTrace;
    merge[minute]! += traces * costs.mergeUsPerTrace;
    summaries[minute]! += reads * (1 - scenario.cacheHits) * costs.summaryUs;
  }
  const all = ingest.map((us, i) => us + merge[i]! + (scenario.replica ? 0 : summaries[i]!));
  return {
    primary: busiest(all, scenario.mode === "direct" ? 1 : 60),
    summaries: busiest(summaries, 60),
    merge: busiest(merge, 60),
  };
}

/** Mean of the busiest `minutes` in a row, in cores. */
function busiest(usByMinute: Float64Array, minutes: number): number {
  let sum = 0;
  let most = 0;
  for (const [i, us] of usByMinute.entries()) {
    sum += us - (usByMinute[i - minutes] ?? 0);
    most = Math.max(most, sum);
  }
  return most / minutes / 60 / 1_000_000;
}

export function sizeFor(need: Need, storageGb: number, replica: boolean, citusWorkers = 0): Postgres {
  if (citusWorkers > 0) {
    const node = neonSize(Math.max(coresOfNode(need.primary / FULL_ENOUGH, citusWorkers), 2 * need.merge));
    return { shards: citusWorkers, coresPerShard: node, replicaCores: 0, coordinatorCores: node };
  }
  // A small shard leaves merges so much of each core; from 2 cores on they have one, and only more shards help.
  const mergeCores = need.merge / mergeCapacity(1);
  const cores = Math.max(need.primary / FULL_ENOUGH, mergeCores);
  const least = Math.max(
    1,
    cores / NEON_MOST_CORES,
    storageGb / NEON_MOST_GB,
    need.merge / mergeCapacity(NEON_MOST_CORES),
  );
  // Doubled as one does, and so that more work never comes out with fewer cores.
  const shards = 2 ** Math.ceil(Math.log2(least));
  return {
    shards,
    coresPerShard: neonSize(cores / shards),
    replicaCores: replica ? shards * neonSize(need.summaries / FULL_ENOUGH / shards) : 0,
    coordinatorCores: 0,
  };
}

/** Of the time that scheduled runs have, in the busiest hour; above 1 partial rows pile up. */
export const mergeLoad = ({ merge }: Need, postgres: Postgres): number =>
  merge / (mergers(postgres) * mergeCapacity(postgres.coresPerShard));

/** Cores that a shard's merges get on average. */
const mergeCapacity = (coresPerShard: number): number => coresForMerge(coresPerShard) * (MERGE_SECONDS / 60);
