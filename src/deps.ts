/** The dependencies of the Worker's functions. They are built once per isolate, and by tests. */
import type { Config } from "./config.ts";
import type { CronDeps } from "./cron.ts";
import { connect } from "./db/client.ts";
import { createReader } from "./db/replica.ts";
import { forProject } from "./db/wall.ts";
import { createEpochLease } from "./epoch.ts";
import type { Deps as HttpDeps } from "./http/context.ts";
import { createIntake } from "./http/intake.ts";
import { createKeyring } from "./keys.ts";
import { loadCustomPrices } from "./pricing/custom-price-store.ts";
import { createCurrentCatalogue } from "./catalogue/current.ts";
import { createPriceBooks } from "./pricing/price-books.ts";
import type { ConsumeDeps } from "./queue/consume.ts";
import { createCallQueue } from "./queue/queue.ts";
import { createUnknownMembers } from "./ingest/unknown-members.ts";
import { connectRedis } from "./redis.ts";
import { createFrequentMerger } from "./rollup/merge-often.ts";
import { createMergeSignal } from "./rollup/signal.ts";
import { createSummaryCache } from "./summary/cache.ts";
import { createZones } from "./summary/zone.ts";
import { createGroupCommit } from "./write/group-commit.ts";
import { writeBatch } from "./write/write-batch.ts";

export interface Deps extends HttpDeps, CronDeps, ConsumeDeps {
  config: Config;
  mergeSignal: CronDeps["mergeSignal"];
}

/** @param given dependencies to use instead of building them. The others are built on top of these. */
export function createDeps(config: Config, given: Partial<Deps> = {}): Deps {
  const { now = Date.now, db = connect(config.database) } = given;
  const catalogue = given.catalogue ?? createCurrentCatalogue(db);
  const redis = given.redis ?? connectRedis(config.redisUrl, config.redisToken);
  return {
    config,
    db,
    redis,
    now,
    reader: createReader(db, config.replica && connect(config.replica), now),
    keyring: createKeyring(db),
    catalogue,
    prices: createPriceBooks((projectId) => loadCustomPrices(forProject(db, projectId), projectId), catalogue.get),
    groupCommit: createGroupCommit((projectId, { calls, links }) =>
      writeBatch(db, projectId, calls, { links, graceSeconds: config.wrapperGraceSeconds }),
    ),
    queue: config.queue && createCallQueue(config.queue),
    unknownMembers: createUnknownMembers(),
    cache: createSummaryCache(redis, createEpochLease({ db, redis, now })),
    zones: createZones(),
    intake: createIntake(),
    mergeSignal: createMergeSignal(redis),
    merger: createFrequentMerger(db, now),
    ...given,
  };
}
