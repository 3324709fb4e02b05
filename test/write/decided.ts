/** What a ledger says once cron has decided all that it holds. */
import { sql } from "drizzle-orm";
import { expect } from "vitest";
import type { Database, Row } from "../../src/db/client.ts";
import type { RedisClient } from "../../src/redis.ts";
import { audit } from "../../src/rollup/audit.ts";
import { HOUR_MS } from "../../src/time.ts";
import { decideHeld } from "../../src/write/held.ts";

const START_MS = Date.UTC(2025, 8, 1, 12);

/** Takes every epoch. Nobody asks for them here. */
const redis = { set: async () => ({ down: false, value: undefined }) } as unknown as RedisClient;

/** Lets cron decide as if a day had passed. Returns which calls count. They begin about noon, 1 September 2025. */
export async function decided(db: Database, project: string): Promise<Row[]> {
  await db.query(sql`
    update traces set received_at = now() - interval '1 day' where project_id = ${project}::uuid`);
  await db.query(sql`
    update held_wrappers set due_at = now() - interval '1 day' where project_id = ${project}::uuid`);
  const deps = { db, redis, now: () => START_MS, config: { wrapperGraceSeconds: 300 } };
  await decideHeld({ ...deps, mergeSignal: { raise() {} } }, Infinity, () => {});
  const { mismatches } = await audit(db, project, START_MS - 48 * HOUR_MS, START_MS + 96 * HOUR_MS);
  expect(mismatches).toEqual([]);
  return await db.query(sql`
    select client_id, billable, cost_pico::text as cost, user_id, session_id, request_model, tags, filled from traces
    where project_id = ${project}::uuid order by client_id`);
}
