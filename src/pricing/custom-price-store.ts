/**
 * Custom prices in the database. Rows are only added, so a price that was once used can always be shown. A new price
 * replaces an old one by starting later.
 */
import { sql, type SQL } from "drizzle-orm";
import { z } from "zod";
import type { Database, Row } from "../db/client.ts";
import { NO_PROJECT_ID } from "../db/schema.ts";
import { ApiError } from "../errors.ts";
import { picoToUsd } from "../money.ts";
import { columns, instantAt } from "../db/sql.ts";
import { id, time, usd } from "../wire.ts";
import { BUCKETS, type Bucket, FEE_BUCKETS, CONTENTS, LISTED_PER, TOKEN_BUCKETS, unitOf } from "../ledger/buckets.ts";
import { findModel } from "./catalogue.ts";
import { covers, patternOf, type CustomPrice, type ModelName } from "./custom-price.ts";
import type { PriceBooks } from "./price-books.ts";
import { ratio } from "./ratio.ts";

/** The most custom prices of one project, and the most global ones. */
export const MAX_CUSTOM_PRICES = 5_000;

/** A custom price as the API shows it. */
export const ShownPrice = z
  .object({
    id,
    project_id: id.nullable().describe("Null for a global price, which holds for every project."),
    provider: z.string().nullable().describe("Null covers every provider."),
    model: z.string().describe("The whole name, or a prefix that ends with `*`."),
    match: z.enum(["exact", "prefix"]),
    service_tier: z.string().nullable().describe("Null covers every service tier."),
    starts_at: time,
    ends_at: time.nullable(),
    usd_per_million_tokens: z.partialRecord(z.enum(TOKEN_BUCKETS), usd).nullable(),
    usd_per_thousand: z.partialRecord(z.enum(FEE_BUCKETS), usd).nullable(),
    factor: z.string().nullable(),
    same_as: z.object({ provider: z.string(), model: z.string() }).nullable(),
    created_at: time,
  })
  .meta({ id: "Price" });
export type ShownPrice = z.infer<typeof ShownPrice>;

/** A price to be added. Unit prices are in pico-USD per token, call or search. */
export interface NewPrice {
  provider: string | null;
  model: string;
  match: "exact" | "prefix";
  serviceTier: string | null;
  startsAtMs: number;
  endsAtMs: number | null;
  unitPico: Partial<Record<Bucket, bigint>> | null;
  factor: string | null;
  sameAs: ModelName | null;
}

const PICO = BUCKETS.map((bucket) => `${bucket}_pico`);
const SAID = ["provider", "model", "match", "service_tier", "starts_at", "ends_at", ...PICO, "factor"] as const;
const FIELDS = ["project_id", "id", ...SAID, "same_as_provider", "same_as_model"];

/** Reads a project's own prices and the global ones, for the pricer. */
export async function loadCustomPrices(db: Database, projectId: string): Promise<CustomPrice[]> {
  return (await db.query(visible(projectId))).map(readPrice);
}

/** Reads the same prices as the API shows them, the project's own first. */
export async function listCustomPrices(db: Database, projectId: string): Promise<ShownPrice[]> {
  return (await db.query(visible(projectId))).map(showPrice);
}

function visible(projectId: string): SQL {
  return sql`
select ${columns([...FIELDS, "created_at"])} from custom_prices
where project_id in (${projectId}::uuid, ${NO_PROJECT_ID}::uuid)
order by project_id desc, created_at, id`;
}

/**
 * Adds a price. In this isolate it holds as soon as this returns.
 *
 * @param projectId null for a global price.
 * @throws ApiError `not_found` if there is no such project, `invalid_body` if `sameAs` names a model without a price,
 * `price_overlap` if another price covers part of the period, `too_many_prices` at the limit.
 */
export async function addCustomPrice(
  { db, prices }: { db: Database; prices: PriceBooks },
  projectId: string | null,
  price: NewPrice,
): Promise<ShownPrice> {
  if (projectId === NO_PROJECT_ID) throw new ApiError("not_found", "there is no such project");
  const owner = projectId ?? NO_PROJECT_ID;
  if (price.sameAs && !(await isPriced(db, owner, price.sameAs))) {
    throw new ApiError("invalid_body", "same_as: neither the catalogue nor a custom price knows this model");
  }
  try {
    // The lock is a statement of its own, so that the next statement's snapshot contains what the lock waited for.
    const [, rows] = await db.batch([
      sql`select pg_advisory_xact_lock(hashtextextended(${`custom_prices ${owner}`}, 0))`,
      insertion(owner, price),
    ]);
    const row = rows![0]!;
    if (!row["known"]) throw new ApiError("not_found", "there is no such project");
    if (row["overlapping"] !== null) {
      throw new ApiError(
        "price_overlap",
        "starts_at, ends_at: another price for the same provider, model and service tier covers part of this period. End this price before the other one starts. If the other one has no end, start this price after it",
        { price_id: String(row["overlapping"]) },
      );
    }
    if (row["id"] === null) {
      throw new ApiError("too_many_prices", `the limit of ${MAX_CUSTOM_PRICES} custom prices is reached`);
    }
    return showPrice(row);
  } finally {
    // Runs after a failure too: the price may have been committed although the answer was lost.
    prices.expire(projectId);
  }
}

/** Tells whether a model has a price, at any time, that does not itself point to another model. */
async function isPriced(db: Database, owner: string, model: ModelName): Promise<boolean> {
  if (findModel(model.provider, model.model)) return true;
  return (await loadCustomPrices(db, owner)).some((price) => price.sameAs === null && covers(price, model));
}

/** The INSERT. Its one row tells whether the project exists, which price overlaps, and the new price if it was added. */
function insertion(owner: string, price: NewPrice): SQL {
  const { provider, model, match, serviceTier, startsAtMs, endsAtMs, unitPico, factor, sameAs } = price;
  const units = BUCKETS.map((bucket) => sql`${unitPico?.[bucket]?.toString() ?? null}::bigint`);
  return sql`
with asked (${columns(FIELDS)}) as (
  select ${owner}::uuid, gen_random_uuid(), ${provider}::text, ${model}::text, ${match}::text, ${serviceTier}::text,
    ${instantAt(startsAtMs)}, ${instantAt(endsAtMs)}, ${sql.join(units, sql`, `)}, ${factor}::numeric,
    ${sameAs?.provider ?? null}::text, ${sameAs?.model ?? null}::text
),
overlapping as (
  select p.id from custom_prices p join asked a on a.project_id = p.project_id
    and a.model = p.model and a.match = p.match
    and a.provider is not distinct from p.provider and a.service_tier is not distinct from p.service_tier
  where a.starts_at < coalesce(p.ends_at, 'infinity') and p.starts_at < coalesce(a.ends_at, 'infinity')
    -- A price without an end may be succeeded.
    and not (p.ends_at is null and a.starts_at > p.starts_at)
  order by p.starts_at limit 1
),
state as (
  select ${owner}::uuid = ${NO_PROJECT_ID}::uuid or exists (select from projects where id = ${owner}::uuid) as known,
    (select count(*) from custom_prices where project_id = ${owner}::uuid) < ${MAX_CUSTOM_PRICES} as room,
    (select id from overlapping) as overlapping
),
added as (
  insert into custom_prices (${columns(FIELDS)})
  select a.* from asked a, state s where s.known and s.room and s.overlapping is null
  returning *
)
select s.known, s.overlapping, added.* from state s left join added on true`;
}

function readPrice(row: Row): CustomPrice {
  const unitPico = PICO.map((name) => (row[name] === null ? null : BigInt(String(row[name]))));
  return {
    id: String(row["id"]),
    global: row["project_id"] === NO_PROJECT_ID,
    provider: row["provider"] as string | null,
    model: String(row["model"]),
    match: row["match"] as CustomPrice["match"],
    serviceTier: row["service_tier"] as string | null,
    startsAtMs: (row["starts_at"] as Date).getTime(),
    endsAtMs: (row["ends_at"] as Date | null)?.getTime() ?? null,
    unitPico: unitPico.every((unit) => unit === null) ? null : withFallbacks(unitPico),
    factor: row["factor"] === null ? null : ratio(String(row["factor"])),
    sameAs: readSameAs(row),
  };
}

function withFallbacks(unitPico: (bigint | null)[]): (bigint | null)[] {
  return BUCKETS.map((bucket, i) => {
    const instead = CONTENTS[bucket].instead;
    return unitPico[i] ?? (instead === undefined ? null : (unitPico[BUCKETS.indexOf(instead)] ?? null));
  });
}

function readSameAs(row: Row): ModelName | null {
  const { same_as_provider: provider, same_as_model: model } = row;
  return model === null ? null : { provider: String(provider), model: String(model) };
}

function showPrice(row: Row): ShownPrice {
  const { id, global, match, startsAtMs, endsAtMs, ...price } = readPrice(row);
  return {
    id,
    project_id: global ? null : String(row["project_id"]),
    provider: price.provider,
    model: patternOf({ model: price.model, match }),
    match,
    service_tier: price.serviceTier,
    starts_at: new Date(startsAtMs).toISOString(),
    ends_at: endsAtMs === null ? null : new Date(endsAtMs).toISOString(),
    usd_per_million_tokens: showUnits(row, TOKEN_BUCKETS),
    usd_per_thousand: showUnits(row, FEE_BUCKETS),
    factor: row["factor"] === null ? null : String(row["factor"]),
    same_as: price.sameAs,
    created_at: (row["created_at"] as Date).toISOString(),
  };
}

function showUnits(row: Row, buckets: readonly Bucket[]): Partial<Record<Bucket, string>> | null {
  const units = buckets.flatMap((bucket) => {
    const pico = row[`${bucket}_pico`];
    const per = BigInt(LISTED_PER[unitOf(bucket)]);
    return pico === null ? [] : [[bucket, picoToUsd(BigInt(String(pico)) * per)] as const];
  });
  return units.length === 0 ? null : Object.fromEntries(units);
}
