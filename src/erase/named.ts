/**
 * Where a user is named: as the user of a call or link, as its session, or as the value of a tag. Erasing takes all
 * three off. The session of the user's own calls goes too, because it joins them to each other.
 */
import { type SQL, sql } from "drizzle-orm";
import { param } from "../db/sql.ts";
import { TAG_PREFIX } from "../write/filled.ts";

/** The user, in compiled statements. */
export const user = sql`${param("user")}::text`;

const inTags = (tags: SQL): SQL => sql`exists (select 1 from jsonb_each_text(${tags}) as g where g.value = ${user})`;

/** True if call or link `t` names the user. */
export const isNamed = sql`(t.user_id = ${user} or t.session_id = ${user} or t.tags is not null and ${inTags(sql`t.tags`)})`;

/** True if the unspread partial row names the user. */
export const isNamedUnspread = sql`(value = ${user} or tags is not null and ${inTags(sql`tags`)})`;

/** The assignments that take the user off link `t`. A row without tags has null. */
export const unnamed = sql`user_id = nullif(t.user_id, ${user}),
    session_id = case when t.user_id is distinct from ${user} then nullif(t.session_id, ${user}) end,
    tags = case when ${inTags(sql`t.tags`)}
      then (select jsonb_object_agg(g.key, g.value) from jsonb_each_text(t.tags) as g where g.value <> ${user})
      else t.tags end`;

/** The same for call `t`. What was filled in from another report is told no longer where it goes. */
export const unnamedCall = sql`${unnamed},
    filled = (
      select jsonb_object_agg(f.name, f.report) from jsonb_each(t.filled) as f (name, report)
      where coalesce(${user} <> case f.name when 'user_id' then t.user_id when 'request_model' then '' when 'covered_by' then ''
        when 'session_id' then case when t.user_id = ${user} then t.user_id else t.session_id end
        else t.tags->>substr(f.name, ${TAG_PREFIX.length + 1}) end, false)
    )`;

/** The same for a call or link that is not stored yet. */
export function withoutUser<
  T extends { userId: string | null; sessionId: string | null; tags: Readonly<Record<string, string>> },
>(named: T, userId: string): T {
  const isOwn = named.userId === userId;
  return {
    ...named,
    userId: isOwn ? null : named.userId,
    sessionId: isOwn || named.sessionId === userId ? null : named.sessionId,
    tags: Object.fromEntries(Object.entries(named.tags).filter(([, value]) => value !== userId)),
  };
}
