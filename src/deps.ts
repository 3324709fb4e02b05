/** What the app's functions are given: built once per isolate, or by a test. */
import type { Config } from "./config.ts";
import type { Database } from "./db/client.ts";
import type { Reader } from "./db/replica.ts";
import type { TraceWriter } from "./ingest/trace-writer.ts";
import type { Keyring } from "./keys.ts";
import type { PriceBooks } from "./pricing/price-books.ts";
import type { TraceQueue } from "./queue/queue.ts";
import type { RedisClient } from "./redis.ts";
import type { FrequentMerger } from "./rollup/merge-often.ts";
import type { MergeSignal } from "./rollup/signal.ts";
import type { SummaryCache } from "./summary/cache.ts";

/** Lets work go on after the answer was sent. */
export type KeepAlive = (work: Promise<unknown>) => void;

export interface Deps {
  config: Config;
  db: Database;
  /** What rollups are asked of: a replica where there is one. */
  reader: Reader;
  redis: RedisClient;
  keyring: Keyring;
  prices: PriceBooks;
  writer: TraceWriter;
  /** Null in direct mode. */
  queue: TraceQueue | null;
  cache: SummaryCache;
  mergeSignal: MergeSignal;
  merger: FrequentMerger;
  /** Epoch ms; the only clock. */
  now: () => number;
}
