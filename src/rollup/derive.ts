/**
 * The SQL that turns stored traces `t`, each with its price `p`, into rollup rows. The write, the
 * audit and the raw edges of a summary all use this one derivation, so that "rollup = raw" has one
 * meaning.
 */
import { sql, type SQL } from "drizzle-orm";
import { MAX_ROLLED_TAGS } from "../ingest/trace.ts";
import { DIMENSIONS, list } from "./measures.ts";

/** The labels of `t` (a trace, or an unspread partial row) as rows of (label, value): its user, its first tags. */
export const labelsOf = sql`(
    select 'user' as label, t.user_id as value where t.user_id is not null
    union all
    (select 'tag.' || key, value from jsonb_each_text(t.tags) limit ${MAX_ROLLED_TAGS})
  )`.inlineParams();

/** Has `t` any label at all? */
export const isLabelled = sql`(t.user_id is not null or t.tags is not null)`;

/** The dimensions of trace `t`, named as in a rollup row. */
export const dimensionsOf: SQL = list(
  DIMENSIONS.map((name) =>
    name === "service_tier" ? sql`coalesce(t.service_tier, '') as service_tier` : sql`t.${sql.identifier(name)}`,
  ),
);

/** Start of the hour of trace `t`. */
export const hourOf = sql`date_bin('1 hour', t.started_at, 'epoch'::timestamptz)`;
