/** The dependencies of the Worker's functions. They are built once per isolate, and by tests. */
import type { Config } from "./config.ts";
import type { CronDeps } from "./cron.ts";
import { connect, type Database } from "./db/client.ts";
import { createReader } from "./db/replica.ts";
import { toShards } from "./db/shard-inserts.ts";
import { leadingTo } from "./db/shards.ts";
import { forProject } from "./db/wall.ts";
import { createEpochLease } from "./epoch.ts";
import type { Deps as HttpDeps } from "./http/context.ts";
import { createIntake } from "./http/intake.ts";
import { createKeyring } from "./keyring.ts";
import { createPageSessions } from "./page-sessions.ts";
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
import { createQuestions } from "./summary/questions.ts";
import { createZones } from "./summary/zone.ts";
import { createCounters, type Totals } from "./telemetry/counters.ts";
import type { CounterName } from "./telemetry/series.ts";
import { createLog, logging } from "./telemetry/log-line.ts";
import { observedDatabase, observedQueue, observedRedis } from "./telemetry/observed.ts";
import { createSpanExporter } from "./telemetry/spans.ts";
import { createGroupCommit } from "./write/group-commit.ts";
import { writeBatch } from "./write/write-batch.ts";

export interface Deps extends HttpDeps, CronDeps, ConsumeDeps {
  config: Config;
  mergeSignal: CronDeps["mergeSignal"];
}

/** @param given dependencies to use instead of building them. The others are built on top of these. */
export function createDeps(config: Config, given: Partial<Deps> = {}): Deps {
  const { now = Date.now } = given;
  const store = connectRedis(config.redisUrl, config.redisToken);
  const queue =
    given.queue === undefined ? config.queue && createCallQueue(observedQueue(config.queue, now)) : given.queue;
  const unknownMembers = given.unknownMembers ?? createUnknownMembers();
  const totals: Totals[] = [
    () =>
      unknownMembers
        .counts()
        .map(({ provider, member, count }) => ["llm_cost_unknown_usage_members_total", [provider, member], count]),
  ];
  const counters = given.counters ?? createCounters(store, now, totals);
  const log = createLog(config.logLevel, now);
  const observers = [logging(log), counters, ...(given.observers ?? [])];
  const observed = (database: Database) => observedDatabase(database, now, observers);
  const primary = given.db ?? connect(config.database);
  const db = leadingTo(observed(toShards(primary)), primary);
  const catalogue = given.catalogue ?? createCurrentCatalogue(db);
  const redis = observedRedis(given.redis ?? store, now);
  const replica = config.replica && observed(connect(config.replica));
  const reader = leadingTo(given.reader ?? createReader(db, replica, now), primary);
  const zones = given.zones ?? createZones();
  const cache = given.cache ?? createSummaryCache(redis, createEpochLease({ db, redis, now }), now);
  totals.push(() => statesOf("llm_cost_cache_answers_total", cache.counts));
  if (reader.counts !== null) totals.push(() => statesOf("llm_cost_replica_questions_total", reader.counts!));
  if (queue !== null) {
    totals.push(() => statesOf("llm_cost_queue_messages_total", queue.counts.messages));
    totals.push(() => statesOf("llm_cost_queue_traces_total", queue.counts.calls));
  }
  return {
    config,
    now,
    spans: config.traces && createSpanExporter(config.traces, { now, log }),
    reader,
    replicaLagSeconds: reader.lagSeconds,
    counters,
    keyring: createKeyring(db),
    pageSessions: createPageSessions(db, config.adminKey),
    catalogue,
    prices: createPriceBooks((projectId) => loadCustomPrices(forProject(db, projectId), projectId), catalogue.get),
    groupCommit: createGroupCommit((projectId, { calls, links }) =>
      writeBatch(db, projectId, calls, { links, graceSeconds: config.wrapperGraceSeconds }),
    ),
    queue,
    unknownMembers,
    cache,
    zones,
    questions: createQuestions(zones),
    intake: createIntake(),
    mergeSignal: createMergeSignal(redis),
    merger: createFrequentMerger(db, now),
    ...given,
    db,
    redis,
    observers,
  };
}

/** Totals of an isolate by a label, such as the state of the cache. */
function statesOf(name: CounterName, counts: Readonly<Record<string, number>>): [CounterName, string[], number][] {
  return Object.entries(counts).map(([state, count]) => [name, [state], count]);
}
