/**
 * Relabelling: stored calls whose provider is an alias get the canonical name, and keep the alias as
 * `request_provider`. The difference goes into the rollups in the statement that changes the calls.
 *
 * A job goes through all calls of a project once, in the order of their ids. The migration opens one for each project.
 * A sweep opens another if rollups show an alias: of a Worker of an older version, or one that is known only now.
 */
import { sql } from "drizzle-orm";
import { textArray } from "../db/array-literal.ts";
import { compileNamed, type Database } from "../db/client.ts";
import { atOnce, type Everywhere } from "../db/shards.ts";
import { constants, param, project } from "../db/sql.ts";
import { announceChange, type AnnounceDeps } from "../epoch.ts";
import type { KeepAlive } from "../keep-alive.ts";
import { keyRange, startOfKey } from "../ledger/key.ts";
import { LEVEL, LEVELS } from "../ledger/levels.ts";
import { canonicalProvider } from "../pricing/provider.ts";
import { insertCorrections } from "../rollup/corrections.ts";
import { difference, insertLabelPartials, insertMainPartials, lockTraces } from "../rollup/derive.ts";
import { mainFamilyWith, MAIN } from "../rollup/families.ts";

/** The calls that one statement looks at. */
const STEP = 5_000;

const aliased = sql`t.project_id = ${project} and t.id > ${param("cursor")}::uuid and t.id <= ${param("last")}::uuid
  and t.provider = any(${param("aliases")}::text[])`;
const CHANGED = sql`difference t left join prices p on p.project_id = ${project} and p.id = t.price_id`;

/** Runs first, so that the next statement sees the latest state of what it changes. */
const LOCK = compileNamed(lockTraces(aliased));

const RELABEL = compileNamed(sql`
with before as materialized (select t.* from traces t where ${aliased}),
after as (
  update traces t
  set provider = n.name, request_provider = coalesce(t.request_provider, t.provider)
  from unnest(${param("aliases")}::text[], ${param("names")}::text[]) as n (alias, name)
  where ${aliased} and t.provider = n.alias
  returning t.*
),
difference as (${difference(sql`before`, sql`after`)}),
main_partials as (${insertMainPartials(CHANGED, "t.sign")}),
label_partials as (${insertLabelPartials(CHANGED, "t.sign")}),
corrected as (${insertCorrections(sql`difference t`, sql`t.sign`)}),
progress as (
  update relabel_jobs j set cursor = ${param("last")}::uuid
  where j.project_id = ${project} and j.cursor = ${param("cursor")}::uuid
)
select count(*)::int as relabelled from after`);

/** Works on open jobs until `deadlineMs`. Returns whether all are done. */
export async function relabel(
  deps: AnnounceDeps,
  deadlineMs: number,
  keepAlive: KeepAlive,
  all: Everywhere = atOnce(deps.db),
): Promise<boolean> {
  const jobs = await all.ask(
    (among) => sql`select project_id, cursor from relabel_jobs j where true${among(sql`j`)} order by project_id`,
  );
  for (const { project_id: projectId, cursor } of jobs) {
    if (!(await relabelProject(deps, String(projectId), String(cursor), deadlineMs, keepAlive))) return false;
  }
  return true;
}

async function relabelProject(
  deps: AnnounceDeps,
  projectId: string,
  begun: string,
  deadlineMs: number,
  keepAlive: KeepAlive,
): Promise<boolean> {
  let cursor = begun;
  let changed = 0;
  try {
    while (deps.now() < deadlineMs) {
      const step = await relabelStep(deps.db, projectId, cursor);
      changed += step.relabelled;
      if (step.next === null) return true;
      cursor = step.next;
    }
    return false;
  } finally {
    if (changed > 0) await announceChange(deps, projectId, startOfKey(begun), keepAlive);
  }
}

/**
 * Relabels the calls after `cursor`, and keeps the progress. `next` is null if none is left: then the job is closed.
 */
export async function relabelStep(
  db: Database,
  projectId: string,
  cursor: string,
  limit = STEP,
): Promise<{ relabelled: number; next: string | null }> {
  const providers = await db.query(sql`
    select provider, count(*)::int as calls, max(id::text collate "C") as last
    from (
      select t.id, t.provider from traces t
      where t.project_id = ${projectId}::uuid and t.id > ${cursor}::uuid order by t.id limit ${limit}
    ) t
    group by 1`);
  if (providers.length === 0) {
    await db.query(sql`delete from relabel_jobs where project_id = ${projectId}::uuid and cursor = ${cursor}::uuid`);
    return { relabelled: 0, next: null };
  }
  const aliases = providers.map(({ provider }) => String(provider)).filter(isAlias);
  const last = providers.map((row) => String(row["last"])).reduce((a, b) => (a > b ? a : b));
  const values = {
    project: projectId,
    cursor,
    last,
    aliases: textArray(aliases),
    names: textArray(aliases.map(canonicalProvider)),
  };
  const [, [row] = []] = await db.batch([LOCK(values), RELABEL(values)]);
  return { relabelled: Number(row!["relabelled"]), next: last };
}

/** Opens a job for each project whose rollups show an alias, from the first week that does. */
export async function noteAliases(db: Database): Promise<void> {
  const family = mainFamilyWith(["provider"]);
  for (const { id } of await db.query(sql`select id from projects order by id`)) {
    // A project has a few names of providers; what was relabelled left sums of 0.
    const rows = await db.query(sql`
      select provider, (extract(epoch from min(week)) * 1000)::float8 as week_ms
      from (
        select provider, date_bin('7 days', bucket, '1970-01-05Z'::timestamptz) as week, total(requests) as requests
        from rollup
        where project_id = ${id}::uuid and (level in (${constants(LEVELS.week)}) and label = ${family}
          or level = ${LEVEL.partial} and label = ${MAIN})
        group by 1, 2
      ) w
      where requests > 0 group by 1`);
    const weeksMs = rows.filter(({ provider }) => isAlias(String(provider))).map((row) => Number(row["week_ms"]));
    if (weeksMs.length === 0) continue;
    const [cursor] = keyRange(Math.min(...weeksMs), Math.min(...weeksMs));
    await db.query(sql`
      insert into relabel_jobs (project_id, cursor) values (${id}::uuid, ${cursor}::uuid)
      on conflict (project_id) do update set cursor = least(relabel_jobs.cursor, excluded.cursor)`);
  }
}

function isAlias(provider: string): boolean {
  return canonicalProvider(provider) !== provider;
}
