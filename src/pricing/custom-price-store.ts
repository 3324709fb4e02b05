/**
 * Custom prices in the database. Rows are only added, so a price that was once used can always be shown. A new price
 * replaces an old one by starting later.
 */
import { type Actor, entry } from "../admin-log.ts";
import { sql, type SQL } from "drizzle-orm";
import { textArray } from "../db/array-literal.ts";
import type { Database, Row } from "../db/client.ts";
import { NO_PROJECT_ID } from "../db/schema-prices.ts";
import { columns, instantAt } from "../db/sql.ts";
import { ApiError, idempotencyMismatch } from "../errors.ts";
import { BUCKETS } from "../ledger/buckets.ts";
import type { Catalogue } from "./catalogue.ts";
import { FIELDS, type NewPrice, readPrice, showPrice, type ShownPrice, stepsJson } from "./custom-price-row.ts";
import { covers, patternOf, type CustomPrice, type ModelName } from "./custom-price.ts";
import type { PriceBooks } from "./price-books.ts";

/** The most custom prices of one project, and the most global ones. */
export const MAX_CUSTOM_PRICES = 5_000;

/** Reads a project's own prices and the global ones, for the pricer. */
export async function loadCustomPrices(db: Database, projectId: string): Promise<CustomPrice[]> {
  return (await db.query(visible(projectId))).map((row) => readPrice(row, isGlobal(row)));
}

/** Reads the same prices as the API shows them, the project's own first. */
export async function listCustomPrices(db: Database, projectId: string): Promise<ShownPrice[]> {
  return (await db.query(visible(projectId))).map((row) => showPrice(row, isGlobal(row)));
}

function isGlobal(row: Row): boolean {
  return row["project_id"] === NO_PROJECT_ID;
}

function visible(projectId: string): SQL {
  return sql`
select ${columns([...FIELDS, "created_at"])} from custom_prices
where project_id in (${projectId}::uuid, ${NO_PROJECT_ID}::uuid)
order by project_id desc, created_at, id`;
}

export interface AddPriceDeps {
  db: Database;
  prices: PriceBooks;
  catalogue: { get(nowMs: number): Promise<Catalogue> };
  now: () => number;
}

/**
 * Adds a price. In this isolate it holds as soon as this returns.
 *
 * @param projectId null for a global price.
 * @param id of the price; the same one twice adds one price.
 * @throws ApiError `not_found` if there is no such project, `invalid_body` if `sameAs` names a model without a price,
 * `price_overlap` if another price covers part of the period, `too_many_prices` at the limit, `idempotency_mismatch` if
 * the price with this id is another.
 */
export async function addCustomPrice(
  { db, prices, catalogue, now }: AddPriceDeps,
  projectId: string | null,
  price: NewPrice,
  id: string = crypto.randomUUID(),
  actor: Actor | null = null,
): Promise<ShownPrice> {
  const owner = ownerOf(projectId);
  await expectSource(db, await catalogue.get(now()), owner, price);
  try {
    // The lock is a statement of its own, so that the next statement's snapshot contains what the lock waited for.
    const [, rows] = await db.batch([
      sql`select pg_advisory_xact_lock(hashtextextended(${`custom_prices ${owner}`}, 0))`,
      insertion(owner, price, id, actor),
    ]);
    const row = rows![0]!;
    if (!row["known"] || row["id"] === null) throw refusal(row);
    if (row["same"] !== true) throw idempotencyMismatch();
    return showPrice(row, isGlobal(row));
  } finally {
    // Runs after a failure too: the price may have been committed although the answer was lost.
    prices.expire(projectId);
  }
}

/**
 * The prices of a project as they would be with one more, which is not added.
 *
 * @throws ApiError as `addCustomPrice` does.
 */
export async function pricesWith(
  { db, catalogue, now }: Omit<AddPriceDeps, "prices">,
  projectId: string,
  price: NewPrice,
): Promise<{ custom: CustomPrice[]; catalogue: Catalogue }> {
  const owner = ownerOf(projectId);
  const current = await catalogue.get(now());
  await expectSource(db, current, owner, price);
  const [stored = [], states = []] = await db.batch([
    visible(owner),
    sql`${asking(owner, price, crypto.randomUUID())} select * from state s, asked a`,
  ]);
  const row = states[0]!;
  if (!row["known"] || row["overlapping"] !== null || !row["room"]) throw refusal(row);
  return {
    custom: [...stored.map((one) => readPrice(one, isGlobal(one))), readPrice(row, false)],
    catalogue: current,
  };
}

/** @param projectId null for a global price. */
function ownerOf(projectId: string | null): string {
  if (projectId === NO_PROJECT_ID) throw new ApiError("not_found", "there is no such project");
  return projectId ?? NO_PROJECT_ID;
}

async function expectSource(db: Database, catalogue: Catalogue, owner: string, { sameAs }: NewPrice): Promise<void> {
  if (sameAs === null || (await isPriced(db, catalogue, owner, sameAs))) return;
  throw new ApiError("invalid_body", "same_as: neither the catalogue nor a custom price knows this model");
}

/** Why a price is not added. */
function refusal({ known, overlapping }: Row): ApiError {
  if (!known) return new ApiError("not_found", "there is no such project");
  if (overlapping === null)
    return new ApiError("too_many_prices", `the limit of ${MAX_CUSTOM_PRICES} custom prices is reached`);
  return new ApiError(
    "price_overlap",
    "starts_at, ends_at: another price for the same provider, model and service tier covers part of this period. End this price before the other one starts. If the other one has no end, start this price after it",
    { price_id: String(overlapping) },
  );
}

/** Tells whether a model has a price, at any time, that does not itself point to another model. */
async function isPriced(db: Database, { lookUp }: Catalogue, owner: string, model: ModelName): Promise<boolean> {
  if (lookUp(model.provider, model.model)) return true;
  return (await loadCustomPrices(db, owner)).some((price) => price.sameAs === null && covers(price, model));
}

/** The names of the price `p`, each as callers write it. */
function namesOf(p: SQL): SQL {
  return sql`(array[case ${p}.match when 'prefix' then ${p}.model || '*' when 'suffix' then '*' || ${p}.model else ${p}.model end]
    || coalesce(${p}.aliases, '{}'))`;
}

/**
 * The INSERT. Its one row tells whether the project exists, which price overlaps, and the price with this id: the new
 * one, or an earlier one and whether that is the `same`.
 */
function insertion(owner: string, price: NewPrice, id: string, actor: Actor | null): SQL {
  return sql`
${asking(owner, price, id)},
earlier as (
  select p.*, (${columns(FIELDS, "p")}) is not distinct from (${columns(FIELDS, "a")}) as same
  from custom_prices p join asked a on a.project_id = p.project_id and a.id = p.id
),
added as (
  insert into custom_prices (${columns(FIELDS)})
  select a.* from asked a, state s where s.known and s.room and s.overlapping is null and not exists (select 1 from earlier)
  returning *
),
logged as (${entry(actor, "price.created", sql`${owner}::uuid`, sql`id`, sql`added`)})
select s.known, s.overlapping, price.* from state s
left join (select *, true as same from added union all select * from earlier) price on true`;
}

/** The price that is asked for as a row, and what stands in its way. */
function asking(owner: string, price: NewPrice, id: string): SQL {
  const { provider, model, match, aliases, serviceTier, startsAtMs, endsAtMs, unitPico, factor, sameAs } = price;
  const units = BUCKETS.map((bucket) => sql`${unitPico?.[bucket]?.toString() ?? null}::bigint`);
  const more = aliases.length === 0 ? null : textArray(aliases.map(patternOf));
  return sql`
with asked (${columns(FIELDS)}) as (
  select ${owner}::uuid, ${id}::uuid, ${provider}::text, ${model}::text, ${match}::text, ${more}::text[],
    ${serviceTier}::text, ${instantAt(startsAtMs)}, ${instantAt(endsAtMs)}, ${sql.join(units, sql`, `)},
    ${stepsJson(price)}::jsonb, ${factor}::numeric, ${price.multipliers && JSON.stringify(price.multipliers)}::jsonb,
    ${sameAs?.provider ?? null}::text, ${sameAs?.model ?? null}::text
),
overlapping as (
  select p.id from custom_prices p join asked a on a.project_id = p.project_id and ${namesOf(sql`a`)} && ${namesOf(sql`p`)}
    and a.provider is not distinct from p.provider and a.service_tier is not distinct from p.service_tier
  where a.starts_at < coalesce(p.ends_at, 'infinity') and p.starts_at < coalesce(a.ends_at, 'infinity')
    -- A price without an end may be succeeded.
    and not (p.ends_at is null and a.starts_at > p.starts_at)
  order by p.starts_at limit 1
),
state as (
  select ${owner}::uuid = ${NO_PROJECT_ID}::uuid or exists (select 1 from projects where id = ${owner}::uuid) as known,
    (select count(*) from custom_prices where project_id = ${owner}::uuid) < ${MAX_CUSTOM_PRICES} as room,
    (select id from overlapping) as overlapping
)`;
}
