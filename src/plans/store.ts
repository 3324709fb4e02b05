/** The stored plans of a project. Writes of one project take turns, so that the limit is exact. */
import { sql, type SQL } from "drizzle-orm";
import { z } from "zod";
import { type Actor, entry } from "../admin-log.ts";
import { textArray } from "../db/array-literal.ts";
import type { Database } from "../db/client.ts";
import { columns, instantAt } from "../db/sql.ts";
import { ApiError, idempotencyMismatch } from "../errors.ts";
import { once, upTo } from "../parameters.ts";
import { cutPage, pageOf } from "../traces/page.ts";
import { ERASED, type NewPlan, type Plan, readPlan, showPlan, type StoredPlan } from "./plan.ts";

/** The plans that a project may have. */
export const MAX_PLANS = 1_000;

const FIELDS = ["project_id", "id", "name", "seat_pico", "period", "starts_at", "ends_at", "users"] as const;
/** Of users the first writer's may be erased since, which makes the request no other one. */
const COMPARED = FIELDS.filter((name) => name !== "users");

export const PLANS_PARAMETERS = {
  limit: once(upTo(100), "Maximum number of plans on a page. Very long lists of users make pages shorter.", {
    fallback: "100",
  }),
  cursor: once(
    z.string().regex(/^\d{8}-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, "is not a cursor of this list"),
    "The `next_cursor` of the previous page.",
  ),
};

/** A page of the project's plans, those that began last first. */
export async function listPlans(
  db: Database,
  projectId: string,
  { limit, cursor }: { limit: number; cursor?: string | undefined },
): Promise<{ plans: Plan[]; next_cursor: string | null }> {
  const rows = sql`
    select * from (
      select p.*, (to_char(p.starts_at at time zone 'UTC', 'YYYYMMDD') || '-' || p.id::text) collate "C" as place
      from plans p where p.project_id = ${projectId}::uuid
    ) p
    ${cursor === undefined ? sql`` : sql`where place < ${cursor}`}
    order by place desc limit ${limit + 1}`;
  const { page, next_cursor } = pageOf(await db.query(cutPage(rows, "place", limit)), "place");
  return { plans: page.map((row) => showPlan(readPlan(row))), next_cursor };
}

/** @returns null if the project has no such plan. */
export async function findPlan(db: Database, projectId: string, planId: string): Promise<StoredPlan | null> {
  const [row] = await db.query(sql`
    select * from plans where project_id = ${projectId}::uuid and id = ${planId}::uuid`);
  return row ? readPlan(row) : null;
}

/**
 * Adds a plan.
 *
 * @param planId the same one twice adds one plan.
 * @throws ApiError `too_many_plans`, or `idempotency_mismatch` if the plan with this id is another.
 */
export async function addPlan(
  db: Database,
  projectId: string,
  planId: string,
  plan: NewPlan,
  actor: Actor,
): Promise<Plan> {
  const [, rows] = await db.batch([
    sql`select pg_advisory_xact_lock(hashtextextended(${`plans ${projectId}`}, 0))`,
    insertion(projectId, planId, plan, actor),
  ]);
  const row = rows![0]!;
  if (row["id"] === null) throw new ApiError("too_many_plans", `a project may have ${MAX_PLANS} plans; delete one`);
  if (row["same"] !== true) throw idempotencyMismatch();
  return showPlan(readPlan(row));
}

function insertion(projectId: string, planId: string, plan: NewPlan, actor: Actor): SQL {
  const { name, seatPico, period, startsAtMs, endsAtMs, users } = plan;
  return sql`
with asked (${columns(FIELDS)}) as (
  select ${projectId}::uuid, ${planId}::uuid, ${name}::text, ${seatPico.toString()}::bigint, ${period}::text,
    ${instantAt(startsAtMs)}, ${instantAt(endsAtMs)}, ${textArray(users)}::text[]
),
earlier as (
  select p.*, (${columns(COMPARED, "p")}) is not distinct from (${columns(COMPARED, "a")})
    and cardinality(p.users) = cardinality(a.users) and array_remove(p.users, ${ERASED}) <@ a.users as same
  from plans p join asked a on a.id = p.id
  where p.project_id = ${projectId}::uuid
),
added as (
  insert into plans (${columns(FIELDS)})
  select a.* from asked a
  where not exists (select 1 from earlier)
    and (select count(*) from plans where project_id = ${projectId}::uuid) < ${MAX_PLANS}
  returning *
),
logged as (${entry(actor, "plan.created", sql`project_id`, sql`id`, sql`added`)})
select plan.* from (select 1) one left join (select *, true as same from added union all select * from earlier) plan on true`;
}

/** @returns false if the project has no such plan. */
export async function deletePlan(db: Database, projectId: string, planId: string, actor: Actor): Promise<boolean> {
  const [row] = await db.query(sql`
    with deleted as (
      delete from plans where project_id = ${projectId}::uuid and id = ${planId}::uuid returning project_id, id
    ),
    logged as (${entry(actor, "plan.deleted", sql`project_id`, sql`id`, sql`deleted`)})
    select exists (select 1 from deleted) as deleted`);
  return row!["deleted"] === true;
}
