/**
 * Corrections: what was taken from the rollups, or added to them, for calls that had been counted before. A deletion, a
 * new judgement, another price, a relabelled provider and a repair write their difference here too, in the statement
 * that changes the rollups. So at every instant, in every snapshot:
 *
 *   rollups - corrections = the calls as they were when they were first counted,
 *
 * which only grows (`counted.ts`). Rows of one group add up, as in the rollups.
 */
import { sql, type SQL } from "drizzle-orm";
import { compileNamed, type Database } from "../db/client.ts";
import { atOnce, type Everywhere, type Question } from "../db/shards.ts";
import { columns, list, param, project } from "../db/sql.ts";
import { CORRECTED_MEASURES, CORRECTED_GROUP } from "../ledger/measures.ts";
import { latencyBinOf } from "./latency.ts";

const group = columns(CORRECTED_GROUP);
const names = columns(CORRECTED_MEASURES.map(({ name }) => name));
const target = sql`(${group}, ${names}, cost_added_pico, cost_taken_pico, latency_buckets, latency_counts)`;

/** A difference of the cost, as what was added and what was taken. */
const split = (cost: SQL): SQL => sql`greatest(${cost}, 0), greatest(-(${cost}), 0)`;

/**
 * The INSERT of corrections for calls `t`.
 *
 * @param source the text after FROM: rows of calls.
 * @param sign of a row: -1 as the call was, 1 as it is now.
 */
export function insertCorrections(source: SQL, sign: SQL): SQL {
  const sums = list(CORRECTED_MEASURES.map(({ of }) => sql`coalesce(sum(${sign} * (${of})), 0)`));
  return sql`
  insert into corrections ${target}
  select ${columns(CORRECTED_GROUP, "t")}, ${sums}, ${split(sql`coalesce(sum(${sign} * t.cost_pico), 0)`)},
    array_agg(${latencyBinOf}) filter (where t.duration_us is not null),
    array_agg(${sign}) filter (where t.duration_us is not null)
  from ${source}
  where t.billable
  group by ${columns(CORRECTED_GROUP, "t")}`;
}

/** The INSERT of corrections for a difference `t` of main rows that a repair puts in. */
export function insertRepairs(source: SQL): SQL {
  const measures = list(CORRECTED_MEASURES.map(({ name }) => sql`coalesce(t.${sql.identifier(name)}, 0)`));
  return sql`
  insert into corrections ${target}
  select ${columns(CORRECTED_GROUP, "t")}, ${measures}, ${split(sql`coalesce(t.cost_pico, 0)`)},
    t.latency_buckets, t.latency_counts
  from ${source}`;
}

/** Projects with so many rows that adding them up leaves fewer than half of them. */
const CROWDED: Question = (among) => sql`
select project_id from corrections c where true${among(sql`c`)} group by project_id
having count(*) > 1000 and count(*) > 2 * count(distinct (${group}))`;

const ADD_UP = compileNamed(sql`
with gone as (delete from corrections where project_id = ${project} returning *),
bins as (
  select ${group}, array_agg(bin) as latency_buckets, array_agg(calls) as latency_counts
  from (
    select ${group}, one.bin, sum(coalesce(one.calls, 1))::integer as calls
    from gone cross join lateral unnest(latency_buckets, latency_counts) as one (bin, calls)
    group by ${group}, one.bin having sum(coalesce(one.calls, 1)) <> 0
  ) one
  group by ${group}
)
insert into corrections ${target}
select ${group}, ${names}, cost_added_pico, cost_taken_pico, b.latency_buckets, b.latency_counts
from (
  select ${group}, ${list([...CORRECTED_MEASURES.map(({ name }) => name), "cost_added_pico", "cost_taken_pico"].map((name) => sql`sum(${sql.identifier(name)}) as ${sql.identifier(name)}`))}
  from gone where project_id = ${param("project")}::uuid group by ${group}
) s left join bins b using (${group})`);

/** Adds up the corrections of projects that have very many rows of few groups. */
export async function addUpCorrections(db: Database, all: Everywhere = atOnce(db)): Promise<void> {
  for (const { project_id: projectId } of await all.ask(CROWDED)) {
    const { statement, values } = ADD_UP({ project: projectId });
    await db.run(statement, values);
  }
}
