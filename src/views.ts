/**
 * Saved views: names for questions that the page asks, for everyone of a project. Writes of one project take turns, so
 * that the limit and the names are exact also for requests at once.
 */
import { sql, type SQL } from "drizzle-orm";
import { z } from "zod";
import type { Database, Row } from "./db/client.ts";
import { ApiError, idempotencyMismatch } from "./errors.ts";
import { id, time } from "./wire.ts";

/** The saved views that a project may have. */
export const MAX_VIEWS = 200;
const MAX_NAME = 100;
const MAX_PATH = 4_000;

/** The paths of the page's views. Neither `//` nor `..` leads out of them. */
const PATH = /^\/(?:explore|why|coverage|doubles|plans|prices|settings|(?:calls|sessions)(?:\/[^/\\?#]+)?)?(?=[?#]|$)/;
const CONTROLS = /[\p{Cc}]/u;

const characters = (text: string): number => [...text].length;

export const ViewBody = z.strictObject({
  name: z
    .string()
    .refine((text) => text !== "" && characters(text) <= MAX_NAME, `must have 1 to ${MAX_NAME} characters`)
    .meta({ minLength: 1, maxLength: MAX_NAME })
    .describe("No two views of a project have the same name."),
  path: z
    .string()
    .max(MAX_PATH, `must have at most ${MAX_PATH} characters`)
    .refine(
      (text) => PATH.test(text) && !CONTROLS.test(text) && !/^[^?#]*\/\.{1,2}(?:[?#]|$)/.test(text),
      "must be a path of the page: /, /explore, /why, /calls, /calls/{id}, /sessions, /sessions/{id}, /coverage, /doubles, /plans, /prices or /settings, with a query if it has one",
    )
    .describe("A path of the page with its query, as in `/explore?group_by=model`."),
});
export type ViewBody = z.infer<typeof ViewBody>;

export const View = z
  .object({ id, name: z.string(), path: z.string(), created_at: time, updated_at: time })
  .meta({ id: "View" });
export type View = z.infer<typeof View>;

/** The project's views by name. */
export async function listViews(db: Database, projectId: string): Promise<View[]> {
  const rows = await db.query(sql`
    select * from views where project_id = ${projectId}::uuid order by name collate "C", id`);
  return rows.map(shown);
}

/**
 * Saves a view.
 *
 * @param viewId the same one twice saves one view.
 * @throws ApiError `view_name_taken`, `too_many_views`, or `idempotency_mismatch` if the view with this id is another.
 */
export async function saveView(db: Database, projectId: string, viewId: string, asked: ViewBody): Promise<View> {
  const [, rows] = await db.batch([
    takeTurn(projectId),
    sql`
    with own as (select * from views where project_id = ${projectId}::uuid),
    earlier as (select * from own where id = ${viewId}::uuid),
    named as (select id from own where name = ${asked.name}),
    added as (
      insert into views (project_id, id, name, path)
      select ${projectId}::uuid, ${viewId}::uuid, ${asked.name}, ${asked.path}
      where not exists (select 1 from earlier) and not exists (select 1 from named)
        and (select count(*) from own) < ${MAX_VIEWS}
      returning *
    )
    select view.*, (select id from named) as named
    from (select 1) one left join (select * from added union all select * from earlier) view on true`,
  ]);
  const row = rows![0]!;
  if (row["id"] !== null) {
    const view = shown(row);
    // Who replaced it since does not make the request another one.
    const isSame = (view.name === asked.name && view.path === asked.path) || view.updated_at !== view.created_at;
    if (!isSame) throw idempotencyMismatch();
    return view;
  }
  if (row["named"] !== null) throw nameTaken(row);
  throw new ApiError("too_many_views", `a project may have ${MAX_VIEWS} saved views; delete one`);
}

/**
 * Gives a view another name and path.
 *
 * @returns null if the project has no such view.
 * @throws ApiError `view_name_taken`.
 */
export async function replaceView(
  db: Database,
  projectId: string,
  viewId: string,
  { name, path }: ViewBody,
): Promise<View | null> {
  const [, rows] = await db.batch([
    takeTurn(projectId),
    sql`
    with own as (select * from views where project_id = ${projectId}::uuid),
    named as (select id from own where name = ${name} and id <> ${viewId}::uuid),
    clock as materialized (select clock_timestamp() as at),
    replaced as (
      update views v set name = ${name}, path = ${path}, updated_at = clock.at from clock
      where v.project_id = ${projectId}::uuid and v.id = ${viewId}::uuid and not exists (select 1 from named)
        and (v.name, v.path) <> (${name}, ${path})
      returning v.*
    ),
    known as (select * from own where id = ${viewId}::uuid),
    shown as (
      select * from replaced
      union all
      select * from known where (name, path) = (${name}, ${path}) and not exists (select 1 from named)
    )
    select s.*, (select id from named) as named, exists (select 1 from known) as known
    from (select 1) one left join shown s on true`,
  ]);
  const row = rows![0]!;
  if (row["known"] !== true) return null;
  if (row["id"] === null) throw nameTaken(row);
  return shown(row);
}

/** @returns false if the project has no such view. */
export async function deleteView(db: Database, projectId: string, viewId: string): Promise<boolean> {
  const rows = await db.query(sql`
    delete from views where project_id = ${projectId}::uuid and id = ${viewId}::uuid returning 1`);
  return rows.length > 0;
}

/** A statement of its own, so that the snapshot of the next one has what this one waited for. */
function takeTurn(projectId: string): SQL {
  return sql`select pg_advisory_xact_lock(hashtextextended(${`views ${projectId}`}, 0))`;
}

function nameTaken(row: Row): ApiError {
  return new ApiError("view_name_taken", "name: another view has this name", { view_id: String(row["named"]) });
}

function shown(row: Row): View {
  return {
    id: String(row["id"]),
    name: String(row["name"]),
    path: String(row["path"]),
    created_at: (row["created_at"] as Date).toISOString(),
    updated_at: (row["updated_at"] as Date).toISOString(),
  };
}
