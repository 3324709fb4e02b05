/**
 * Catalogues in the database, each under its version. The newest prices new calls. A stored one has been judged, so it
 * is believed when it is read.
 */
import type { Provider } from "@pydantic/genai-prices";
import { sql } from "drizzle-orm";
import type { Database } from "../db/client.ts";
import { instantAt } from "../db/sql.ts";
import { sha256Hex } from "../digest.ts";
import { CATALOGUE_DAY, CATALOGUE_VERSION } from "../pricing/catalogue.ts";

export interface StoredCatalogue {
  version: string;
  /** A URL or a file's name. */
  source: string;
  storedMs: number;
  providers: Provider[];
}

/** So many are kept. Receipts have their prices elsewhere. */
const KEPT = 20;

/** What was stored before this release was published is older than the release's own catalogue. */
const NEWEST = sql`
  from catalogue_versions where stored_at >= ${CATALOGUE_DAY}::date at time zone 'UTC'
  order by stored_at desc limit 1`;

/**
 * Stores a catalogue as the newest. The same one again gets the same version on the same day.
 *
 * @param judgedAgainst the version that was in use when it was judged.
 * @returns the version. Null if another one was stored meanwhile: this one may be older, and nobody compared them.
 */
export async function storeCatalogue(
  db: Database,
  providers: readonly Provider[],
  source: string,
  { judgedAgainst, nowMs }: { judgedAgainst: string; nowMs: number },
): Promise<string | null> {
  const document = JSON.stringify(providers);
  const version = versionOf(document, nowMs);
  const [, stored] = await db.batch([
    sql`select pg_advisory_xact_lock(hashtext('catalogue'))`,
    sql`
    with newest as (select coalesce((select version ${NEWEST}), ${CATALOGUE_VERSION}) as version),
    older as (
      delete from catalogue_versions where version in (
        select version from catalogue_versions where version <> ${version}
        order by stored_at desc offset ${KEPT - 1}
      ) and (select version from newest) = ${judgedAgainst}
    )
    insert into catalogue_versions (version, source, document, stored_at)
    select ${version}, ${source}, ${document}, ${instantAt(nowMs)} from newest where version = ${judgedAgainst}
    on conflict (version) do update set stored_at = excluded.stored_at, source = excluded.source, healed_at = null
    returning version`,
  ]);
  return stored?.length === 1 ? version : null;
}

/** `0.1.8.20261128-3f2a91c07d4e`: at least that release, as of that day. Equal versions are equal documents. */
function versionOf(document: string, nowMs: number): string {
  const day = new Date(nowMs).toISOString().slice(0, 10).replaceAll("-", "");
  return `${CATALOGUE_VERSION}.${day}-${sha256Hex(document).slice(0, 12)}`;
}

/** Reads the newest. Null if none is stored, or if it is the known one: then its document stays where it is. */
export async function newestCatalogue(db: Database, known = ""): Promise<StoredCatalogue | null> {
  const [row] = await db.query(sql`
    select version, source, extract(epoch from stored_at)::float8 * 1000 as stored_ms,
      case when version <> ${known} then document end as document
    ${NEWEST}`);
  if (!row || row["document"] === null) return null;
  const { version, source, stored_ms: storedMs, document } = row;
  return {
    version: String(version),
    source: String(source),
    storedMs: Number(storedMs),
    providers: JSON.parse(String(document)) as Provider[],
  };
}

/** Is the newest one new to calls that had no price? Null if not, else when it was stored. */
export async function unhealedSince(db: Database): Promise<number | null> {
  const [row] = await db.query(sql`
    select extract(epoch from stored_at)::float8 * 1000 as stored_ms, healed_at is null as unhealed
    ${NEWEST}`);
  return row?.["unhealed"] === true ? Number(row["stored_ms"]) : null;
}

/** Calls that had no price were looked at since all of the versions up to `storedMs` are known everywhere. */
export async function markHealed(db: Database, storedMs: number, nowMs: number): Promise<void> {
  await db.query(sql`
    update catalogue_versions set healed_at = ${instantAt(nowMs)}
    where healed_at is null and stored_at <= ${instantAt(storedMs + 1)}`);
}
