/** Price lists travel with the statement that uses them first, and are stored once by their content's id. */
import { sql } from "drizzle-orm";
import { BUCKETS } from "../pricing/buckets.ts";
import type { Price } from "../pricing/catalogue.ts";
import { columns, list } from "../rollup/measures.ts";
import { plainArray, textArray } from "./array-literal.ts";

const TEXTS = ["source", "version", "provider", "model"] as const;
const stored = columns(["id", ...TEXTS, ...BUCKETS.map((bucket) => `${bucket}_pico`)]);

/** The placeholders of `PRICE_CTES`, in order. */
export const PRICE_PARAMS: readonly string[] = [
  "price.id",
  ...TEXTS.map((name) => `price.${name}`),
  ...BUCKETS.map((bucket) => `price.${bucket}`),
];

/** `price`, the lists sent with a statement, and their insert; needs a `batch` with the `project_id` before it. */
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

/** The values of `PRICE_PARAMS` for the lists that some calls were priced with. */
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
