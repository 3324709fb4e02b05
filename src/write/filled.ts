/**
 * What the report of a call that counts lacks, and another report of the call has, is stored with it: its user, session,
 * tags and the model that was asked for. The column `filled` says from which report each is. So what a report knows of
 * itself can still be told, and what was filled in goes again with the report that it came from.
 */
import { sql, type SQL } from "drizzle-orm";
import { constants, list } from "../db/sql.ts";
import { NOT_STORED, UNKNOWN } from "../ledger/covered-by.ts";
import { MAX_TAGS } from "../ledger/call.ts";

/** The columns that are filled in beside `tags`. */
const TEXTS = ["user_id", "session_id", "request_model", "covered_by"] as const;
type Text = (typeof TEXTS)[number];

/** A tag's name in `filled` begins with this. */
export const TAG_PREFIX = "tags.";

/** The columns of `t` that may be filled in, as its own report knows them. */
export const own: Record<Text | "tags", SQL> = {
  user_id: ownText("user_id"),
  session_id: ownText("session_id"),
  request_model: ownText("request_model"),
  // What is unknown lacks.
  covered_by:
    sql`case when t.filled ? 'covered_by' then null else nullif(coalesce(t.covered_by, ${NOT_STORED}), ${UNKNOWN}) end`.inlineParams(),
  tags: sql`case when t.filled is null then t.tags else nullif(t.tags - array(
      select substr(f.name, ${TAG_PREFIX.length + 1}) from jsonb_object_keys(t.filled) as f (name) where starts_with(f.name, ${TAG_PREFIX})
    ), '{}') end`.inlineParams(),
};

function ownText(name: Text): SQL {
  return sql`case when t.filled ? ${constants([name])} then null else t.${sql.identifier(name)} end`;
}

/** What is stored where this is known, or null. */
export const storedCover = (known: SQL): SQL =>
  sql`nullif(coalesce(${known}, ${UNKNOWN}), ${NOT_STORED})`.inlineParams();

const ownOf = (name: Text | "tags"): SQL => sql`${sql.identifier(`own_${name}`)}`;
const holdersOf = (name: Text | "tags"): SQL => sql`${sql.identifier(`holders_${name}`)}`;

/** The same columns of the row's holder, over the window `w` in which the holder is first. */
export const holders = list(
  [...TEXTS, "tags" as const].map((name) => sql`first_value(t.${ownOf(name)}) over w as ${holdersOf(name)}`),
);

const lacksText = (name: Text): SQL => sql`t.${holdersOf(name)} is null and t.${ownOf(name)} is not null`;
const lacksTags = sql`t.own_tags is not null and coalesce(not t.own_tags <@ t.holders_tags, true)`;

/**
 * What each holder lacks, from the best of its other reports that has it: `filled`, and the values of the columns. No
 * call gets more tags than a caller may send.
 *
 * @param ranked the reports, each with its chain's `holder`, its `place` in the chain, and the columns above.
 */
export function filling(ranked: SQL): SQL {
  const texts = TEXTS.map((name) =>
    sql`select ${constants([name])}, t.${ownOf(name)} where ${lacksText(name)}`.inlineParams(),
  );
  return sql`
  select l.holder, jsonb_object_agg(l.name, l.id) as filled,
    ${list(TEXTS.map((name) => sql`max(l.value) filter (where l.name = ${constants([name])}) as ${sql.identifier(name)}`))},
    jsonb_object_agg(substr(l.name, ${TAG_PREFIX.length + 1}), l.value) filter (where l.is_tag) as tags
  from (
    select l.*, row_number() over (partition by l.holder, l.is_tag order by l.place, l.name collate "C") as nth from (
      select distinct on (t.holder, m.name) t.holder, t.holders_tags, t.place, t.id, m.name, m.value, starts_with(m.name, ${TAG_PREFIX}) as is_tag
      from ${ranked} t cross join lateral (
        ${sql.join(texts, sql` union all `)}
        union all
        select ${TAG_PREFIX} || g.key, g.value from jsonb_each_text(t.own_tags) as g
        where coalesce(not t.holders_tags ? g.key, true)
      ) as m (name, value)
      where t.place > 1 and not t.crowded and (${sql.join([...TEXTS.map(lacksText), lacksTags], sql` or `)})
      order by t.holder, m.name, t.place
    ) l
  ) l
  where not l.is_tag or l.nth <= ${MAX_TAGS} - (select count(*) from jsonb_object_keys(l.holders_tags))
  group by l.holder`.inlineParams();
}
