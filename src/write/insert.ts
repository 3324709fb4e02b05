/**
 * Two statements, compiled once: INSERT_CALLS stores calls together with their rollup partials, and CONFLICTS compares
 * calls that were sent again with the stored ones.
 */
import { sql, type SQL } from "drizzle-orm";
import { compile, compileNamed, type Database } from "../db/client.ts";
import { asRoutine, isRecent } from "../db/routine.ts";
import { columns, list, project } from "../db/sql.ts";
import { rawSinceMs, rowKept } from "../retention/kept.ts";
import { insertLabelPartials, insertMainPartials, ROLLED_UP } from "../rollup/derive.ts";
import {
  type Column,
  columnLiteral,
  columnParam,
  COLUMNS,
  differs,
  type PricedCall,
  OWN_COLUMNS,
  SHARED_COLUMNS,
  sentValue,
} from "./columns.ts";
import { PRICE_CTES, PRICE_PARAMS } from "./price-rows.ts";

const namesOf = (all: readonly Column[]) => columns(all.map(({ name }) => name));

/**
 * The new calls with the prices sent along. A statement does not see rows that it inserts, so `prices` cannot serve.
 */
const INSERTED = sql`inserted t left join price p on p.id = t.price_id`;

const INSERT_PARAMS = [
  "project",
  ...PRICE_PARAMS,
  "tags",
  ...OWN_COLUMNS.map(({ name }) => name),
  // The places of a call's kind and tags in their lists, from 1 on.
  "kind",
  "tags_place",
  ...SHARED_COLUMNS.map(({ name }) => name),
  "sent",
];
const placesIn = (list: string): SQL => sql`${sql.placeholder(list)}::bigint[]`;
/** Calls are inserted in the order of their keys, whatever order the joins give them. */
const INSERTING = compile(
  sql`
with batch as (select ${sql.placeholder("project")}::uuid as project_id, ${rawSinceMs} as since_ms),${PRICE_CTES},
tags as materialized (
  select i.tags::jsonb as tags, i.tags_place
  from unnest(${sql.placeholder("tags")}::text[]) with ordinality as i (tags, tags_place)
),
inserted as (
  insert into traces (project_id, ${namesOf(COLUMNS)})
  select batch.project_id, ${list(COLUMNS.map(sentValue))}
  from batch, (
    unnest(${list([...OWN_COLUMNS.map(columnParam), placesIn("kind"), placesIn("tags_place")])})
    as own (${namesOf(OWN_COLUMNS)}, kind, tags_place)
    join unnest(${list(SHARED_COLUMNS.map(columnParam))}) with ordinality as shared (${namesOf(SHARED_COLUMNS)}, kind)
    using (kind)
    left join tags using (tags_place)
  ) as i
  where ${rowKept(sql`i.started_at`, sql`batch.since_ms`)}
  order by i.id
  on conflict do nothing
  returning id, ${columns(ROLLED_UP)}
),
main_partials as (${insertMainPartials(INSERTED)} returning 1),
label_partials as (${insertLabelPartials(INSERTED)})
select count(*)::int as inserted, (select count(*)::int from main_partials) as partials, case when count(*) < ${sql.placeholder("sent")}::int then array_agg(id) end as ids from inserted`.inlineParams(),
  INSERT_PARAMS,
);

/** The same for calls of which none is stored. It fails if one is. */
const INSERTING_NEW = INSERTING.text.replace("\n  on conflict do nothing\n  returning id", "\n  returning id");
/** From this many calls on, a batch is first inserted as if all of it were new. */
const MANY = 50;
const IDS = `$${INSERT_PARAMS.indexOf("id") + 1}`;
/** The first and the last id of the list, which has no quotes. */
const FIRST = `substr(${IDS}, 2, 36)::uuid`;
const LAST = `left(right(${IDS}, 37), 36)::uuid`;
/** @param which a further condition, after AND. */
const neitherIsStored = (which = ""): string =>
  `not exists (select 1 from traces t where t.project_id = $1::uuid and t.id = any(array[${FIRST}, ${LAST}])${which})`;
/**
 * Inserts many calls as if all were new, if the first and the last of them are not stored. What is sent again mostly
 * begins or ends with a stored call, because calls are sorted by their keys. If it fails, what it did is undone, and the
 * routine goes on.
 *
 * Nothing is tried on Citus, whose routines have another mode: there it was not seen that a part of a transaction is
 * undone.
 */
const TRY_AS_NEW = `
  if current_setting('plan_cache_mode') = 'force_generic_plan' and $${INSERT_PARAMS.length}::int >= ${MANY} then
    declare
      seem_new boolean;
    begin
      if ${isRecent(FIRST)} then
        seem_new := ${neitherIsStored(` and ${isRecent("t.id")}`)};
      else
        seem_new := ${neitherIsStored()};
      end if;
      if seem_new then
        begin
          return query ${INSERTING_NEW};
          return;
        exception when unique_violation then
        end;
      end if;
    end;
  end if;`;
/**
 * Inserts the calls that are new, and the rollup partials of exactly these, at the prices sent along. Returns how many
 * calls were inserted and how many main partials. If fewer than `sent` were inserted, it returns their ids too.
 */
export const INSERT_CALLS = asRoutine(
  INSERTING,
  "write",
  INSERT_PARAMS.length,
  "inserted int, partials int, ids uuid[]",
  // Otherwise Postgres looks each call up, and marks and unmarks its row. That is a tenth of its work.
  TRY_AS_NEW,
);

const SAID = COLUMNS.filter((column) => column.said);
const ID = COLUMNS.find(({ name }) => name === "id")!;

/**
 * The positions of the calls whose stored content differs from the content sent now. Their ids are named once more,
 * because Postgres would compare a few calls with all that are stored: it takes each look-up to ask every partition.
 */
const CONFLICTS = compileNamed(sql`
select i.position::int - 1 as position
from unnest(${list([ID, ...SAID].map(columnParam))})
  with ordinality as i (id, ${columns(SAID.map(({ name }) => name))}, position)
join traces t on t.project_id = ${project} and t.id = i.id
where t.id = any(${columnParam(ID)}) and (${sql.join(SAID.map(differs), sql` or `)})
order by 1`);

/** Returns the positions of the calls in `batch` whose stored content differs. */
export async function conflicting(db: Database, projectId: string, batch: readonly PricedCall[]): Promise<number[]> {
  const values = [ID, ...SAID].map((column) => [column.name, columnLiteral(column, batch)] as const);
  const { statement, values: sent } = CONFLICTS({ project: projectId, ...Object.fromEntries(values) });
  const rows = await db.run(statement, sent);
  return rows.map(({ position }) => Number(position));
}
