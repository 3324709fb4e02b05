/** What is asked of the system, and the Postgres that is to carry it. */
import type { Region } from "./regions.ts";

export interface Scenario {
  tracesPerDay: number;
  /** The database is in the first. */
  regions: readonly Region[];
  /** Summaries, on average. */
  readsPerSecond: number;
  /** Share of summaries that the cache answers. */
  cacheHits: number;
  /** JSON bytes of a trace. */
  payloadBytes: number;
  /** Traces a request, where there are that many in a second. */
  batch: number;
  historyDays: number;
  /** Combinations of dimensions, and of these with values of labels, that may occur. */
  groups: number;
  mode: "direct" | "queue";
  /** Summaries are answered by a read replica. */
  replica: boolean;
  /** Workers of a Citus cluster, beside its coordinator. 0: one Postgres, or several deployments. */
  citusWorkers: number;
  seed: string;
}

export interface Postgres {
  /** Deployments, or workers of Citus. */
  shards: number;
  coresPerShard: number;
  /** Cores of a replica that answers summaries; 0 without one. */
  replicaCores: number;
  /** Of Citus; 0 without. */
  coordinatorCores: number;
}
