/**
 * Crowded label days: if a label has very many values on a day, no further values are told apart on that day. Calls
 * with a new value are merged into `(other)`. So no caller can make the rollup as large as the table of calls.
 */
import { sql, type SQL } from "drizzle-orm";
import { textArray } from "../db/array-literal.ts";
import { compile, type Database } from "../db/client.ts";
import { constants, dayOf } from "../db/sql.ts";
import { LEVELS } from "../ledger/levels.ts";
import { MOST_LABEL_VALUES, NOT_ROLLED_UP } from "./families.ts";

const DAY = dayOf(sql`t.bucket`);

/** True if row `t` keeps its value of label `l`. If there is no crowded label day at all, nothing is looked up. */
export function isToldApart(projectId = sql`t.project_id`, among = sql``): SQL {
  const ofLabelDay = sql`c.project_id = ${projectId} and c.label = l.label`;
  return sql`(
      l.value = ${constants([NOT_ROLLED_UP])} or not (select exists (select from crowded_labels${among}))
      or not exists (select from crowded_labels c where ${ofLabelDay} and c.day = ${DAY})
      or exists (
        select from rollup c
        where c.level in (${constants(LEVELS.day)}) and ${ofLabelDay} and c.bucket = ${DAY} and c.value = l.value
      )
    )`;
}

/** The next value of label day `d` in the rows of level `k`. */
const next = (after = sql``) => sql`
      (select r.value from rollup r
       where r.level = k.level and r.project_id = d.project_id and r.label = d.label and r.bucket = d.day${after}
       order by r.value limit 1)`;

/**
 * Marks the label days that have too many values, and stops counting at that number. Each value takes one index
 * look-up, level by level. So rows that are deleted, but still visible to an open transaction, are passed once and not
 * once per value.
 */
const MARK_CROWDED = compile(
  sql`
insert into crowded_labels (project_id, label, day)
select d.project_id, d.label, d.day
from unnest(${sql.placeholder("projects")}::uuid[], ${sql.placeholder("labels")}::text[], ${sql.placeholder("days")}::timestamptz[])
  as d (project_id, label, day)
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
on conflict do nothing`.inlineParams(),
  ["projects", "labels", "days"],
);

/** Marks the crowded ones among these label days. Each label day is the JSON of `[project, label, day]`. */
export async function markCrowded(db: Database, labelDays: ReadonlySet<string>): Promise<void> {
  if (labelDays.size === 0) return;
  const days = [...labelDays].map((day) => JSON.parse(day) as [project: string, label: string, day: string]);
  await db.run(
    MARK_CROWDED,
    [0, 1, 2].map((i) => textArray(days.map((day) => day[i]!))),
  );
}
