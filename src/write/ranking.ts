/**
 * Which of several reports of one call counts: the one that tells most of what is priced. The ranks are columns of the
 * stored calls, so the choice is a function of the set of calls.
 */
import { sql, type SQL } from "drizzle-orm";
import { constants, list } from "../db/sql.ts";
import { BUCKETS, CONTENTS, UNIT_COUNTS } from "../ledger/buckets.ts";
import { COUNT_FIELDS, COUNT_NAMES } from "../ledger/call.ts";
import type { CountField } from "../ledger/counts.ts";
import { STANDARD_TIERS } from "../pricing/service-tier.ts";
import { own } from "./filled.ts";

/** The counts that have a price of their own. */
const PRICED_COUNTS = COUNT_FIELDS.filter((field) => BUCKETS.some((bucket) => CONTENTS[bucket].of === field));

/** What the stored call `t` knows of itself, now or as it will be: its user, session and the model that was asked for. */
export interface Own {
  user: SQL;
  session: SQL;
  requestModel: SQL;
}

const OWN: Own = { user: own.user_id, session: own.session_id, requestModel: own.request_model };

/** By what a report of `t` is preferred, the first difference decides. Without any, it is the one that began first. */
export const RANKS = {
  priced_counts: () => detail(),
  tokens: () => sql`coalesce(t.input_tokens, 0)::bigint + coalesce(t.output_tokens, 0)`,
  cache_writes_by_age: () =>
    sql`(t.cache_write_tokens > 0 and
      coalesce(t.cache_write_5m_tokens, 0) + coalesce(t.cache_write_1h_tokens, 0) = t.cache_write_tokens) is true`,
  user_and_session: ({ user, session }: Own) => sql`num_nonnulls(${user}, ${session})`,
  // Without the model that answered, the one that was asked for stands in.
  answering_model: ({ requestModel }: Own) => sql`(${requestModel} <> t.model) is not false`,
  // It changes no price, but it is shown.
  standard_tier: () => sql`(lower(t.service_tier) in (${constants(STANDARD_TIERS)})) is true`,
} as const satisfies Record<string, (own: Own) => SQL>;

export type Rank = keyof typeof RANKS;
export const RANK_NAMES = Object.keys(RANKS) as Rank[];

/** The ranks as columns of their names. */
export function rankColumns(known: Own = OWN): SQL {
  return list(RANK_NAMES.map((name) => sql`${RANKS[name](known)} as ${sql.identifier(name)}`));
}

/** The order in which the report that counts comes first. `t` is a stored call, or has the columns of the ranks. */
export const byRank = sql`${list(RANK_NAMES.map((name) => sql`${RANKS[name](OWN)} desc`))}, t.id`;
export const byRankColumns = sql`${list(RANK_NAMES.map((name) => sql`t.${sql.identifier(name)} desc`))}, t.id`;

/**
 * How much the stored call `t` tells of what is priced: the number of its counts, and one more for a service tier. A
 * count of zero does not add to it, because some tools fill in zeros; nor do the name of the standard tier and the
 * five-minute part of cache writes, which change no price. A wrapper only repeats the usage of calls, so it comes last. Without a
 * model nothing is priced.
 */
function detail(): SQL {
  const used = (fields: readonly CountField[]): SQL =>
    list(fields.map((field) => sql`nullif(t.${sql.identifier(COUNT_NAMES[field])}, 0)`));
  return sql`case
      when t.wrapper then -1
      when t.model = 'unknown' then 0
      when coalesce(t.input_tokens, t.output_tokens, ${used(UNIT_COUNTS)}) is null then 0
      else 1 + num_nonnulls(${used(PRICED_COUNTS)})
        + (coalesce(lower(t.service_tier), 'standard') not in (${constants(STANDARD_TIERS)}))::int end`;
}
