/** The Worker: requests, scheduled runs and messages, with everything they need built once per isolate. */
import { createApp } from "./app.ts";
import { parseConfig } from "./config.ts";
import { runScheduled } from "./cron.ts";
import { connect } from "./db/client.ts";
import { createReader } from "./db/replica.ts";
import type { Deps } from "./deps.ts";
import { createTraceWriter } from "./ingest/trace-writer.ts";
import { createKeyring } from "./keys.ts";
import { loadCustomPrices } from "./pricing/custom-price-store.ts";
import { createPriceBooks } from "./pricing/price-books.ts";
import { consume } from "./queue/consume.ts";
import { createTraceQueue } from "./queue/queue.ts";
import { connectRedis } from "./redis.ts";
import { createFrequentMerger } from "./rollup/merge-often.ts";
import { createMergeSignal } from "./rollup/signal.ts";
import { createSummaryCache } from "./summary/cache.ts";

function build(env: unknown): { deps: Deps; app: ReturnType<typeof createApp> } {
  const config = parseConfig(env);
  const db = connect(config.database);
  const redis = connectRedis(config.redisUrl, config.redisToken);
  const deps: Deps = {
    config,
    db,
    reader: createReader(db, config.replica && connect(config.replica), Date.now),
    redis,
    keyring: createKeyring(db),
    prices: createPriceBooks((projectId) => loadCustomPrices(db, projectId)),
    writer: createTraceWriter(db, config.wrapperGraceSeconds),
    queue: config.queue && createTraceQueue(config.queue),
    cache: createSummaryCache(redis),
    mergeSignal: createMergeSignal(redis),
    merger: createFrequentMerger(db, Date.now),
    now: Date.now,
  };
  return { deps, app: createApp(deps) };
}

let built: ReturnType<typeof build> | undefined;

export default {
  async fetch(request, env, ctx) {
    built ??= build(env);
    return await built.app.fetch(request, env, ctx);
  },
  async scheduled(controller, env, ctx) {
    built ??= build(env);
    await runScheduled(built.deps, controller.scheduledTime, (work) => ctx.waitUntil(work));
  },
  async queue(batch, env, ctx) {
    built ??= build(env);
    await consume(built.deps, batch, (work) => ctx.waitUntil(work));
  },
} satisfies ExportedHandler;
