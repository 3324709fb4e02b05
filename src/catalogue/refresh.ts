/**
 * Looks for a newer catalogue at its URL, at most once an hour per deployment. A document that is refused changes
 * nothing but the last check, which says why.
 */
import { type Provider, waitForUpdate } from "@pydantic/genai-prices";
import type { Database } from "../db/client.ts";
import type { RedisClient } from "../redis.ts";
import { CATALOGUE_VERSION } from "../pricing/catalogue.ts";
import { beginCheck, type CatalogueCheck, writeCheck } from "./check.ts";
import { parseCatalogue } from "../pricing/catalogue-document.ts";
import { newestCatalogue, storeCatalogue } from "./store.ts";
import { fetchCatalogue, type FetchedCatalogue } from "./fetch.ts";

export interface RefreshDeps {
  db: Database;
  redis: RedisClient;
  now: () => number;
  config: { catalogueUrl: string | undefined };
  /** Stands in for the fetch over the network. */
  fetchCatalogue?: typeof fetchCatalogue;
}

/** Returns whether a newer catalogue was stored. @throws the database's error. The next run looks again then. */
export async function refreshCatalogue(deps: RefreshDeps): Promise<boolean> {
  const { catalogueUrl: url } = deps.config;
  if (url === undefined) return false;
  const last = await beginCheck(deps.redis, deps.now());
  if (last === null) return false;
  try {
    const { check, stored } = await look(deps, url, last);
    const { refused } = check;
    if (refused !== null && refused !== last.refused)
      console.error(`The newer price catalogue is refused: ${refused}.`);
    await writeCheck(deps.redis, check);
    return stored;
  } catch (error) {
    await writeCheck(deps.redis, { ...last, etag: null, refused: "the database failed while it was looked at" });
    throw error;
  }
}

async function look(
  deps: RefreshDeps,
  url: string,
  last: CatalogueCheck,
): Promise<{ check: CatalogueCheck; stored: boolean }> {
  const atMs = deps.now();
  const known = await catalogueInUse(deps.db);
  const etag = last.against === known.version ? last.etag : null;
  const fetched = await (deps.fetchCatalogue ?? fetchCatalogue)(url, etag);
  if (fetched === "unchanged")
    return { check: { ...last, atMs, goodMs: last.refused === null ? atMs : last.goodMs }, stored: false };
  const { refused, stored } = await judge(deps, known, fetched, url);
  const check = {
    atMs,
    etag: "text" in fetched ? fetched.etag : null,
    against: stored ?? known.version,
    refused,
    goodMs: refused === null ? atMs : last.goodMs,
  };
  return { check, stored: stored !== null };
}

interface Judged {
  refused: string | null;
  /** Null if nothing is new. */
  stored: string | null;
}

async function judge(
  { db, now }: RefreshDeps,
  known: InUse,
  fetched: Exclude<FetchedCatalogue, "unchanged">,
  url: string,
): Promise<Judged> {
  if ("refused" in fetched) return { refused: fetched.refused, stored: null };
  const parsed = parseCatalogue(fetched.text, known.providers, { nowMs: now() });
  if ("refused" in parsed) return { refused: parsed.refused, stored: null };
  if (JSON.stringify(parsed.providers) === JSON.stringify(known.providers)) return { refused: null, stored: null };
  // A query may hold a secret.
  const { origin, pathname } = new URL(url);
  const how = { judgedAgainst: known.version, nowMs: now() };
  return { refused: null, stored: await storeCatalogue(db, parsed.providers, origin + pathname, how) };
}

export interface InUse {
  version: string;
  providers: readonly Provider[];
}

/** The newest stored catalogue, or the embedded one. */
export async function catalogueInUse(db: Database): Promise<InUse> {
  return (await newestCatalogue(db)) ?? (await embeddedCatalogueInUse());
}

/** The data of the package. */
export async function embeddedCatalogueInUse(): Promise<InUse> {
  return { version: CATALOGUE_VERSION, providers: (await waitForUpdate()) ?? [] };
}
