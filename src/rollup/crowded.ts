/**
 * Crowded label days: if a label has very many values on a day, no further values are told apart on that day. Calls
 * with a new value are merged into `(other)`. So no caller can make the rollup as large as the table of calls.
 */
import { sql, type SQL } from "drizzle-orm";
import { textArray } from "../db/array-literal.ts";
import { compileNamed, type Database } from "../db/client.ts";
import { amongThem, isDistributed, projects } from "../db/shards.ts";
import { constants, dayOf, param, project } from "../db/sql.ts";
import { LEVELS } from "../ledger/levels.ts";
import { MOST_LABEL_VALUES, NOT_ROLLED_UP } from "./families.ts";

const DAY = dayOf(sql`t.bucket`);

/** Whose rows a statement is about. Rows of a shard are of several projects, too, but Citus is shown where they are. */
export type Whose = "project" | "projects" | "shard";

/**
 * True if row `t` keeps its value of label `l`. If there is no crowded label day at all, nothing is looked up. The offset
 * keeps Postgres from hashing all day rows there are, where it expects to look many values up.
 */
export function isToldApart(whose: Whose): SQL {
  const among = {
    project: sql`c.project_id = ${project}`,
    projects: sql`true`,
    shard: sql`c.project_id = any(${projects})`,
  }[whose];
  const same = whose === "project" ? among : sql`c.project_id = t.project_id${amongThem(whose === "shard", sql`c`)}`;
  return sql`(
      l.value = ${constants([NOT_ROLLED_UP])} or not (select exists (select 1 from crowded_labels c where ${among}))
      or not exists (select 1 from crowded_labels c where ${same} and c.label = l.label and c.day = ${DAY})
      or exists (
        select 1 from rollup c
        where c.level in (${constants(LEVELS.day)}) and ${same} and c.label = l.label and c.bucket = ${DAY} and c.value = l.value offset 0
      )
    )`;
}

/**
 * Marks the label days that have too many values, and stops counting at that number. Each value takes one index
 * look-up, level by level. So rows that are deleted, but still visible to an open transaction, are passed once and not
 * once per value.
 *
 * @param of the project of label day `d`.
 */
function marking(of: SQL, labelDays: SQL): SQL {
  const next = (after = sql``): SQL => sql`
      (select r.value from rollup r
       where r.level = k.level and r.project_id = ${of} and r.label = d.label and r.bucket = d.day${after}
       order by r.value limit 1)`;
  return sql`
insert into crowded_labels (project_id, label, day)
select ${of}, d.label, d.day
from ${labelDays}
where (
  with recursive known (level, value, place) as (
    select k.level, ${next()}, 1 from unnest(array[${constants(LEVELS.day)}]::smallint[]) as k (level)
    union all
    select k.level, ${next(sql` and r.value > k.value`)}, k.place + 1
    from known k where k.value is not null and k.place < ${MOST_LABEL_VALUES}
  )
  select count(distinct value) from known
) >= ${MOST_LABEL_VALUES}
order by 1, 2, 3
on conflict do nothing`;
}

const MARK_CROWDED = compileNamed(
  marking(
    sql`d.project_id`,
    sql`unnest(${projects}, ${param("labels")}::text[], ${param("days")}::timestamptz[]) as d (project_id, label, day)`,
  ),
);

/** Citus takes the recursion for one project only. */
const MARK_CROWDED_OF = compileNamed(
  marking(project, sql`unnest(${param("labels")}::text[], ${param("days")}::timestamptz[]) as d (label, day)`),
);

/** Marks the crowded ones among these label days. Each label day is the JSON of `[project, label, day]`. */
export async function markCrowded(db: Database, labelDays: ReadonlySet<string>): Promise<void> {
  if (labelDays.size === 0) return;
  const all = [...labelDays].map((labelDay) => JSON.parse(labelDay) as LabelDay);
  if (!(await isDistributed(db))) return await mark(db, MARK_CROWDED, all);
  for (const [projectId, own] of Map.groupBy(all, ([projectId]) => projectId)) {
    await mark(db, MARK_CROWDED_OF, own, projectId);
  }
}

type LabelDay = [projectId: string, label: string, day: string];

async function mark(
  db: Database,
  marking: typeof MARK_CROWDED,
  labelDays: readonly LabelDay[],
  projectId: string | null = null,
): Promise<void> {
  const [projects, labels, days] = [0, 1, 2].map((i) => textArray(labelDays.map((labelDay) => labelDay[i]!)));
  const { statement, values } = marking({ project: projectId, projects, labels, days });
  await db.run(statement, values);
}
