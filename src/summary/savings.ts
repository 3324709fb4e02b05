/**
 * What caches saved, as an estimate: what the cached tokens would have cost as plain input, less what reading and
 * writing them cost. Plain input of a provider's model costs what it cost on average in the question's period. Without
 * plain input, and if some of its tokens have no price, the unit price is not known, and neither is what was saved.
 */
import type { SQL } from "drizzle-orm";
import { sql } from "../db/sql.ts";
import { type Bucket } from "../ledger/buckets.ts";
import { type Measure, MEASURES, QUANTITIES } from "../ledger/measures.ts";

/** The dimensions of a unit price. */
export const PRICED_BY = ["provider", "model"] as const;

const CACHED = ["cache_read", "cache_write", "cache_write_1h"] as const satisfies Bucket[];

/** The measures that the estimate is made from. */
const READ: ReadonlySet<string> = new Set([
  "input_tokens",
  "cache_read_tokens",
  "cache_read_audio_tokens",
  "cache_read_image_tokens",
  "cache_write_tokens",
  "cache_write_1h_tokens",
  "input_audio_tokens",
  "input_image_tokens",
  "unpriced_tokens",
  "cost_input_pico",
  ...CACHED.map((bucket) => `cost_${bucket}_pico`),
]);

/** Of rows `t` with the unit price `u.pico`. They add up as other measures do, because a unit is whole pico-USD. */
const cached = added((bucket) => QUANTITIES[bucket]);
export const SAVINGS: readonly Measure[] = [
  {
    name: "cache_savings_pico",
    type: "numeric",
    of: sql`(u.pico * (${cached}) - (${added((bucket) => sql`t.${sql.identifier(`cost_${bucket}_pico`)}`)}))`,
  },
  { name: "cache_savings_known", type: "bigint", of: sql`(case when u.pico is not null then ${cached} end)` },
  { name: "cache_savings_unknown", type: "bigint", of: sql`(case when u.pico is null then ${cached} end)` },
];
const NAMES: ReadonlySet<string> = new Set(SAVINGS.map(({ name }) => name));

function added(of: (bucket: Bucket) => SQL): SQL {
  return sql.join(
    CACHED.map((bucket) => sql`coalesce(${of(bucket)}, 0)`),
    sql` + `,
  );
}

/** The same measures and those of the estimate. */
export function withSavings(measures: readonly Measure[]): Measure[] {
  const names = new Set(measures.map(({ name }) => name));
  return [...MEASURES.filter(({ name }) => names.has(name) || READ.has(name)), ...SAVINGS];
}

/** Does a rollup row not have it? */
export const isOfSavings = ({ name }: Measure): boolean => NAMES.has(name);

/**
 * The CTE `part`, with the estimate in each row.
 *
 * @param parts the SELECTs of its rows.
 * @param once a condition on rows, of which those that fulfil it count each call once.
 */
export function partWithSavings(parts: SQL, once: SQL): SQL {
  const input = sql`sum(${QUANTITIES.input})`;
  return sql`read as (${parts}),
unit as (
  select provider, model, round(coalesce(sum(t.cost_input_pico), 0) / ${input}) as pico
  from read t where ${once} group by provider, model
  having ${input} > 0 and coalesce(sum(t.unpriced_tokens), 0) = 0
),
part as (
  select t.*, ${sql.join(
    SAVINGS.map(({ name, of }) => sql`${of} as ${sql.identifier(name)}`),
    sql`, `,
  )}
  from read t left join unit u on u.provider = t.provider and u.model = t.model
)`;
}
