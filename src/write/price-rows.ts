/**
 * Price lists are sent with every statement that uses them. Each is stored once, because its id is a digest of its
 * content.
 */
import { sql } from "drizzle-orm";
import { BUCKETS } from "../ledger/buckets.ts";
import type { Price } from "../pricing/price.ts";
import { columns, list } from "../db/sql.ts";
import { plainArray, textArray } from "../db/array-literal.ts";

const TEXTS = ["source", "version", "provider", "model"] as const;
const stored = columns(["id", ...TEXTS, ...BUCKETS.map((bucket) => `${bucket}_pico`)]);

/** The placeholders of `PRICE_CTES`, in order. */
export const PRICE_PARAMS: readonly string[] = [
  "price.id",
  ...TEXTS.map((name) => `price.${name}`),
  ...BUCKETS.map((bucket) => `price.${bucket}`),
];

/**
 * Two CTEs: `price` holds the lists sent with the statement, `stored_prices` inserts them. They need a CTE `batch` with
 * the `project_id` before them.
 */
export const PRICE_CTES = sql`
price as (
  select batch.project_id, i.* from batch, unnest(
    ${sql.placeholder("price.id")}::uuid[],
    ${list(TEXTS.map((name) => sql`${sql.placeholder(`price.${name}`)}::text[]`))},
    ${list(BUCKETS.map((bucket) => sql`${sql.placeholder(`price.${bucket}`)}::bigint[]`))}
  ) as i (${stored})
),
stored_prices as (
  insert into prices (project_id, ${stored})
  select project_id, ${stored} from price order by id
  on conflict do nothing
)`;

/** The values of `PRICE_PARAMS` for these price lists, each list once. */
export function priceValues(prices: Iterable<Price | null>): (string | null)[] {
  const byId = new Map<string, Price>();
  for (const price of prices) if (price) byId.set(price.id, price);
  const lists = [...byId.values()];
  return [
    plainArray(lists.map(({ id }) => id)),
    ...TEXTS.map((name) => textArray(lists.map((price) => price[name]))),
    ...BUCKETS.map((_, i) => plainArray(lists.map(({ unitPico }) => unitPico[i] ?? null))),
  ];
}
