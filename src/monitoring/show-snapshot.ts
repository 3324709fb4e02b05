/** Shows the snapshot that cron left: what calls cost, and the state of the rollups and of the database. */
import { DURATION_BOUNDS } from "../rollup/counted.ts";
import { OTHER } from "../rollup/families.ts";
import type { Kept, Snapshot } from "../telemetry/snapshot.ts";
import { DAY_MS } from "../time.ts";
import { type Bins, type Exposition, type Labels, type Sample, single } from "./exposition.ts";
import { rollupLagSeconds } from "./state.ts";

const PICO = 1e12;
const usd = (pico: string): number => Number(pico) / PICO;

type Group = Snapshot["groups"][number];

/**
 * Shows the calls of all projects, or of one. Counters have calls as they were first counted. What became of them later
 * is in the corrections, so that counters minus what was taken plus what was added is what summaries say.
 */
export function showCalls(exposition: Exposition, snapshot: Snapshot, nowMs: number, projectId: string | null): void {
  const own = <T extends { projectId: string }>(rows: readonly T[]): T[] =>
    projectId === null ? [...rows] : rows.filter((row) => row.projectId === projectId);
  const project = (id: string): Labels => ({ project: id, project_name: snapshot.projects[id] ?? id });
  // A group whose own names are `(other)` has the labels of the rest, so both are one series.
  const groups = [...Map.groupBy(own(snapshot.groups), (group) => JSON.stringify(namesOf(group))).values()].map(
    (same) => ({ labels: { ...project(same[0]!.projectId), ...namesOf(same[0]!) }, same }),
  );
  const sum = (same: readonly Group[], of: (group: Group) => number): number =>
    same.reduce((total, group) => total + of(group), 0);
  const each = (of: (group: Group) => number, more: Labels = {}): Sample[] =>
    groups.map(({ labels, same }) => ({ labels, more, value: sum(same, of) }));

  exposition.counter(
    "llm_cost_usd_total",
    "Cost of calls as they were first counted, in USD.",
    groups.map(({ labels, same }) => ({
      labels,
      value: usd(String(same.reduce((total, { costPico }) => total + BigInt(costPico), 0n))),
    })),
  );
  exposition.counter("llm_requests_total", "Calls by status.", [
    ...each(({ requests, errors }) => requests - errors, { status: "ok" }),
    ...each(({ errors }) => errors, { status: "error" }),
  ]);
  const types = Object.keys(snapshot.groups[0]?.tokens ?? {});
  exposition.counter(
    "llm_tokens_total",
    "Tokens by type. Input includes cached tokens, and output includes reasoning.",
    types.flatMap((type) => each(({ tokens }) => tokens[type] ?? 0, { type })),
  );
  exposition.histogram(
    "llm_request_duration_seconds",
    "Duration of calls. A call near a bound may be on its other side, by 1%.",
    DURATION_BOUNDS,
    groups.map(({ labels, same }): Bins => {
      const counts = same[0]!.durations.map((_, bin) => sum(same, ({ durations }) => durations[bin] ?? 0));
      return { labels, counts, sum: sum(same, ({ durationSumSeconds }) => durationSumSeconds) };
    }),
  );
  exposition.counter(
    "llm_cost_corrections_usd_total",
    "Cost that was added to calls, or taken from them, after they were counted: deletions, erasures, repricing, new judgements.",
    own(snapshot.corrections).flatMap(({ projectId: id, addedPico, takenPico }) => [
      { labels: { ...project(id), sign: "+" }, value: usd(addedPico) },
      { labels: { ...project(id), sign: "-" }, value: usd(takenPico) },
    ]),
  );
  // A write makes the next run of cron due. So if a day has begun since the snapshot, it has no calls yet.
  const isToday = Math.floor(snapshot.atMs / DAY_MS) === Math.floor(nowMs / DAY_MS);
  const known = new Set(own(snapshot.groups).map((group) => group.projectId));
  known.delete(OTHER);
  const today = new Map((isToday ? own(snapshot.today) : []).map((row) => [row.projectId, row]));
  const ofToday = (of: (row: Snapshot["today"][number]) => number): Sample[] =>
    [...known].map((id) => {
      const row = today.get(id);
      return { labels: project(id), value: row === undefined ? 0 : of(row) };
    });
  exposition.gauge(
    "llm_cost_usd_today",
    "Cost of the current UTC day as it stands, in USD.",
    ofToday(({ costPico }) => usd(costPico)),
  );
  exposition.gauge(
    "llm_requests_today",
    "Calls of the current UTC day as it stands.",
    ofToday((row) => row.requests),
  );
  exposition.gauge(
    "llm_unpriced_requests_today",
    "Calls of the current UTC day without a cost, as it stands.",
    ofToday((row) => row.unpricedRequests),
  );
}

function namesOf({ projectId, application, environment, provider, model }: Group): Labels & { project: string } {
  return { project: projectId, application, environment, provider, model };
}

/** Shows the state of rollups, cron, queue and database as cron last saw it. */
export function showState(exposition: Exposition, { snapshot, runs }: Kept, nowMs: number, isMergeDue: boolean): void {
  const gauge = (name: string, help: string, samples: readonly Sample[]) =>
    exposition.gauge(`llm_cost_${name}`, help, samples);
  gauge(
    "cron_last_success_timestamp_seconds",
    "When a stage of cron last succeeded. The stage `run` is the whole, also if nothing was due.",
    Object.entries(runs.succeededMs).map(([stage, ms]) => ({ labels: { stage }, value: ms / 1_000 })),
  );
  gauge(
    "rollup_lag_seconds",
    "Time since nothing was left to merge. 0 if nothing is to be merged.",
    single(rollupLagSeconds(runs, isMergeDue, nowMs)),
  );
  gauge("audit_different_days", "Projects whose last audited day differs from its calls.", single(runs.audit?.days));
  gauge(
    "audit_difference_usd",
    "By how much the costs of these days differ, in USD.",
    single(runs.audit && usd(runs.audit.differencePico)),
  );
  gauge("audit_age_seconds", "Time since that audit.", single(runs.audit && (nowMs - runs.audit.atMs) / 1_000));
  if (snapshot === null) return;
  gauge(
    "rollup_partial_rows",
    "Rows that are not merged yet. At most 100,000 are counted.",
    single(snapshot.partialRows),
  );
  gauge("dead_letters", "Messages that could not be stored and wait to be replayed.", single(snapshot.deadLetters));
  gauge("replica_lag_seconds", "How far the replica is behind.", single(snapshot.replicaLagSeconds));
  const { database } = snapshot;
  if (database === null) return;
  gauge(
    "database_connections",
    "Client connections of the database server by state.",
    Object.entries(database.connections).map(([state, value]) => ({ labels: { state }, value })),
  );
  gauge("database_connections_max", "How many connections it takes.", single(database.maxConnections));
  gauge("database_locks_waiting", "Sessions that wait for a lock.", single(database.waitingLocks));
  exposition.counter(
    "llm_cost_database_deadlocks_total",
    "Deadlocks since the statistics of the database began.",
    single(database.deadlocks),
  );
  gauge(
    "database_cache_hit_ratio",
    "Share of block reads that Postgres' cache answered.",
    single(database.cacheHitRatio),
  );
  gauge("database_index_hit_ratio", "The same of indexes.", single(database.indexHitRatio));
  gauge("database_size_bytes", "Size of the database on disk.", single(database.sizeBytes));
  gauge(
    "database_longest_transaction_seconds",
    "Age of the oldest open transaction.",
    single(database.longestTransactionSeconds),
  );
}
