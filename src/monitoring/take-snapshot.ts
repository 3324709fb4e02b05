/** Reads what monitoring shows of the database, in a few statements, and keeps it in Redis for scrapes. */
import { sql } from "drizzle-orm";
import type { CurrentCatalogue } from "../catalogue/current.ts";
import type { Database } from "../db/client.ts";
import { isDistributed } from "../db/shards.ts";
import { constants, instantAt } from "../db/sql.ts";
import { readDatabaseGauges } from "../insight/gauges.ts";
import { keyRange } from "../ledger/key.ts";
import { LEVEL, LEVELS } from "../ledger/levels.ts";
import { usdToPico } from "../money.ts";
import type { RedisClient } from "../redis.ts";
import { audit } from "../rollup/audit.ts";
import { readCounted } from "../rollup/counted.ts";
import { MAIN } from "../rollup/families.ts";
import { keepSnapshot, type Kept, type Runs, type Snapshot } from "../telemetry/snapshot.ts";
import { DAY_MS } from "../time.ts";

export interface SnapshotDeps {
  db: Database;
  redis: Pick<RedisClient, "set">;
  catalogue: CurrentCatalogue;
  /** Tells how far the replica is behind. Null if there is none, or if it does not answer. */
  replicaLagSeconds: () => Promise<number | null>;
  now: () => number;
}

/** Reading takes 2% of the time at most: after a snapshot that took two seconds, the next is 100 seconds later. */
const SHARE = 50;

/** If merging is far behind, counting all partial rows would take longer than a statement may. */
const MOST_PARTIAL_ROWS = 100_000;

/**
 * The names of projects that can have groups of their own, and two numbers of what is left to do. The order keeps
 * Postgres to the index.
 */
const STATE = sql`
select
  (select jsonb_object_agg(id, name) from projects) as projects,
  (select count(*)::int from (
    select 1 from rollup where level = ${constants([LEVEL.partial])} order by project_id limit ${constants([MOST_PARTIAL_ROWS])}
  ) partial) as partial_rows,
  (select count(*)::int from dead_letters) as dead_letters`;

/**
 * Takes a snapshot, unless the last one was expensive and is recent.
 *
 * @returns false if Redis did not take it.
 */
export async function takeSnapshot(
  { db, redis, catalogue, replicaLagSeconds, now }: SnapshotDeps,
  before: Kept["snapshot"],
): Promise<boolean> {
  const beganMs = now();
  if (before !== null && beganMs >= before.atMs && beganMs < before.atMs + SHARE * before.tookMs) return true;
  const kept = (before?.groups ?? []).flatMap(({ key }) => (key === "" ? [] : [key]));
  const counted = await readCounted(db, beganMs, kept);
  const [state = {}] = await db.query(STATE);
  const shown = new Set([...counted.groups, ...counted.corrections, ...counted.today].map((row) => row.projectId));
  const names = Object.entries((state["projects"] ?? {}) as Record<string, string>);
  const snapshot: Snapshot = {
    ...counted,
    groups: counted.groups.map((group) => ({ ...group, costPico: String(group.costPico) })),
    corrections: counted.corrections.map(({ projectId, addedPico, takenPico }) => ({
      projectId,
      addedPico: String(addedPico),
      takenPico: String(takenPico),
    })),
    today: counted.today.map((row) => ({ ...row, costPico: String(row.costPico) })),
    projects: Object.fromEntries(names.filter(([id]) => shown.has(id))),
    partialRows: Number(state["partial_rows"]),
    deadLetters: Number(state["dead_letters"]),
    catalogue: { version: (await catalogue.get(beganMs)).version, storedMs: catalogue.storedMs() },
    replicaLagSeconds: await replicaLagSeconds().catch(() => null),
    // A role that may not see them, or a server that has none of them, hides no other number.
    database: await readDatabaseGauges(db).catch(() => null),
    atMs: now(),
    tookMs: now() - beganMs,
  };
  return await keepSnapshot(redis, snapshot);
}

/**
 * Audits the UTC day before this one, for as many projects as time allows.
 */
export async function auditYesterday(
  db: Database,
  now: () => number,
  deadlineMs: number,
): Promise<NonNullable<Runs["audit"]>> {
  const atMs = now();
  const endMs = Math.floor(atMs / DAY_MS) * DAY_MS;
  let days = 0;
  let differencePico = 0n;
  const [lowest, highest] = keyRange(endMs - DAY_MS, endMs);
  const ofDay = sql`t.id >= ${lowest}::uuid and t.id < ${highest}::uuid`;
  const rollupOfDay = sql`r.level in (${constants([LEVEL.partial, ...LEVELS.day])}) and r.label = ${MAIN}
        and r.bucket >= ${instantAt(endMs - DAY_MS)} and r.bucket < ${instantAt(endMs)}`;
  // On Citus a list that is on each node, such as that of projects, finds nothing on one of them.
  const active = await db.query(
    (await isDistributed(db))
      ? sql`
    select id from (
      select t.project_id as id from traces t where ${ofDay} group by 1
      union
      select r.project_id from rollup r where ${rollupOfDay} group by 1
    ) active order by id`
      : sql`
    select id from projects p
    where exists (select 1 from traces t where t.project_id = p.id and ${ofDay})
      or exists (select 1 from rollup r where r.project_id = p.id and ${rollupOfDay})
    order by id`,
  );
  for (const { id } of active) {
    if (now() >= deadlineMs) break;
    const result = await audit(db, String(id), endMs - DAY_MS, endMs);
    if (!result.ok) days++;
    for (const { difference } of result.days) {
      const pico = usdToPico(difference.cost_usd) ?? 0n;
      differencePico += pico < 0n ? -pico : pico;
    }
  }
  return { atMs, days, differencePico: String(differencePico) };
}
