/**
 * What Citus makes of the figures for one Postgres. Measured by hand: CPU of all nodes against one Postgres of the same
 * build, by turns, on Citus 13.2.2 with one coordinator and two workers, all on one machine of two busy cores.
 *
 * So it is known what a piece of work takes in all, and which part of it is the coordinator's. Assumed is that workers on
 * machines of their own share their part evenly, and that the network between them costs nothing.
 */
import type { Costs } from "./costs.ts";
import type { Postgres } from "./scenario.ts";

/** Times what one Postgres needs. Single writes took 21 to 24 times its CPU, requests of 1,000 calls 3.6 to 4.5 times. */
const TIMES = { statement: 22, trace: 3, merge: 3, summary: 2 };
/** The coordinator's part of all work: 0.69 to 0.74 of writes, which it plans, and 0.45 to 0.6 of merges and summaries. */
const COORDINATOR = 0.65;

export function onCitus(costs: Costs): Costs {
  return {
    ...costs,
    databaseUsPerStatement: costs.databaseUsPerStatement * TIMES.statement,
    databaseUsPerTrace: costs.databaseUsPerTrace * TIMES.trace,
    mergeUsPerTrace: costs.mergeUsPerTrace * TIMES.merge,
    summaryUs: costs.summaryUs * TIMES.summary,
  };
}

/** Cores for all work. On Citus as many as keep coordinator and workers busy in their parts; one of them is never full. */
export function coresOf({ shards, coresPerShard, coordinatorCores }: Postgres): number {
  const workers = shards * coresPerShard;
  return coordinatorCores === 0 ? workers : Math.min(workers / (1 - COORDINATOR), coordinatorCores / COORDINATOR);
}

/** The cores of each node, all of one size, that so much work takes. */
export const coresOfNode = (cores: number, workers: number): number =>
  Math.max((cores * (1 - COORDINATOR)) / workers, cores * COORDINATOR);

/** Databases that merge at once. On Citus one run merges for all workers, a shard after another. */
export const mergers = ({ shards, coordinatorCores }: Postgres): number => (coordinatorCores === 0 ? shards : 1);

export const coordinatorLoad = (work: number, { coordinatorCores }: Postgres): number =>
  (work * COORDINATOR) / coordinatorCores;
