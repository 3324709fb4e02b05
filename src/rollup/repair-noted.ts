/**
 * After an upgrade rollups lack what older versions did not sum: reported costs, and tags of calls with more than ten,
 * of which other ones were rolled up. The migration notes each day that has
 * rollups, and a merge notes the days of partial rows that a Worker of the older version wrote meanwhile. Cron repairs
 * the noted days. A note goes once its day is right; what is noted again meanwhile stays noted.
 */
import { sql } from "drizzle-orm";
import type { Database } from "../db/client.ts";
import { atOnce, type Everywhere } from "../db/shards.ts";
import { announceChange, type AnnounceDeps } from "../epoch.ts";
import type { KeepAlive } from "../keep-alive.ts";
import { MAX_ROLLED_TAGS } from "../ledger/call.ts";
import { keyRange } from "../ledger/key.ts";
import { DAY_MS } from "../time.ts";
import { repairDay } from "./repair.ts";
import { errorLine } from "../telemetry/log-line.ts";

/** The days that one look finds. */
const MOST = 1_000;

/**
 * Repairs noted days, the latest first, until `deadlineMs`. Returns whether none is left.
 *
 * @param fill changes the calls of a day, and the rollups with them, and tells whether it did.
 */
export async function repairNoted(
  deps: AnnounceDeps,
  deadlineMs: number,
  keepAlive: KeepAlive,
  fill: (db: AnnounceDeps["db"], projectId: string, dayMs: number) => Promise<boolean> = async () => false,
  all: Everywhere = atOnce(deps.db),
): Promise<boolean> {
  const { db, now } = deps;
  // Where calls are no longer kept, rollups stay as they are.
  await all.ask(
    (among) => sql`delete from days_to_repair d where day < (select raw_since from retention)${among(sql`d`)}`,
  );
  const noted = await all.ask(
    (among) => sql`
    select project_id, (extract(epoch from day) * 1000)::float8 as day_ms, noted_at::text as noted_at
    from days_to_repair d where true${among(sql`d`)} order by day desc, project_id limit ${MOST}`,
  );
  let left = noted.length >= MOST;
  for (const row of noted) {
    if (now() >= deadlineMs) return false;
    const [projectId, dayMs] = [String(row["project_id"]), Number(row["day_ms"])];
    try {
      const filled = await fill(db, projectId, dayMs);
      const changes = (await needsRepair(db, projectId, dayMs)) ? await repairDay(db, projectId, dayMs) : [];
      if (filled || changes.length > 0) await announceChange(deps, projectId, dayMs, keepAlive);
      await db.query(sql`
        delete from days_to_repair
        where project_id = ${projectId}::uuid and day = to_timestamp(${dayMs}::float8 / 1000)
          and noted_at = ${row["noted_at"]}::timestamptz`);
    } catch (error) {
      // The other days do not wait for it.
      left = true;
      console.error(errorLine("repair", { repair: [projectId, dayMs] }, error));
    }
  }
  return !left;
}

async function needsRepair(db: Database, projectId: string, dayMs: number): Promise<boolean> {
  const [lowest, highest] = keyRange(dayMs, dayMs + DAY_MS);
  const [row] = await db.query(sql`
    select exists (
      select 1 from traces t
      where t.project_id = ${projectId}::uuid and t.id >= ${lowest}::uuid and t.id < ${highest}::uuid
        and t.billable and (
          t.reported_cost_pico is not null or (select count(*) from jsonb_object_keys(t.tags)) > ${MAX_ROLLED_TAGS}
        )
    ) as needed`);
  return row!["needed"] === true;
}
