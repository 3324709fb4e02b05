/** `npm run prices`, from its flags to its last line. */
import { readFile } from "node:fs/promises";
import { fetchCatalogue } from "../../src/catalogue/fetch.ts";
import { catalogueInUse, embeddedCatalogueInUse, type InUse } from "../../src/catalogue/refresh.ts";
import { storeCatalogue } from "../../src/catalogue/store.ts";
import { connect, type Database } from "../../src/db/client.ts";
import { NO_PROJECT_ID } from "../../src/db/schema-prices.ts";
import { parseCatalogue } from "../../src/pricing/catalogue-document.ts";
import { createCatalogue } from "../../src/pricing/catalogue.ts";
import type { ShownPrice } from "../../src/pricing/custom-price-row.ts";
import { listCustomPrices, loadCustomPrices } from "../../src/pricing/custom-price-store.ts";
import { covers } from "../../src/pricing/custom-price.ts";
import { canonicalProvider } from "../../src/pricing/provider.ts";
import { dataDir, devDatabaseUrl } from "../client/server.ts";
import { CommandError, type Main } from "../command.ts";
import { parsePricesArgs, type PricesOptions } from "./options.ts";
import { changeLines, customLine, modelLines } from "./text.ts";

export const main: Main = async (args) => {
  const options = parsePricesArgs(args);
  const nowMs = Date.now();
  const url = options.database ?? (await devDatabaseUrl(dataDir(process.env)));
  const db = url === undefined ? null : connect({ driver: "postgres", url });
  const embedded = await embeddedCatalogueInUse();
  const used = db === null ? embedded : await catalogueInUse(db);
  if (options.action === "show") return await show(db, used, options, nowMs);
  if (options.action === "update") return await update(db, used, options, nowMs);

  if (used.version !== embedded.version) {
    console.log(`From this release's ${embedded.version} to ${used.version}, which is stored:`);
    console.log(changeLines(embedded.providers, used.providers, nowMs).join("\n"));
  }
  const newer = await load(options.from, used, { nowMs, accept: true });
  console.log(`From ${used.version} to ${options.from}:`);
  console.log(changeLines(used.providers, newer.providers, nowMs).join("\n"));
};

async function show(db: Database | null, used: InUse, options: PricesOptions, nowMs: number): Promise<number> {
  const { provider, model } = options;
  const found = createCatalogue(used.providers, used.version).lookUp(provider, model);
  console.log(`Catalogue ${used.version}`);
  console.log(found ? modelLines(found, nowMs).join("\n") : `${model}: no such model`);
  const custom = db === null ? [] : await covering(db, options, found?.provider ?? canonicalProvider(provider));
  if (custom.length > 0) console.log(`Custom prices, which go first:\n${custom.map(customLine).join("\n")}`);
  return found || custom.length > 0 ? 0 : 1;
}

/** The custom prices that cover a model at some time. */
async function covering(db: Database, options: PricesOptions, provider: string): Promise<ShownPrice[]> {
  const owner = options.project ?? NO_PROJECT_ID;
  const prices = await loadCustomPrices(db, owner);
  const ids = new Set(prices.filter((price) => covers(price, { provider, model: options.model })).map(({ id }) => id));
  return (await listCustomPrices(db, owner)).filter(({ id }) => ids.has(id));
}

async function update(
  db: Database | null,
  used: InUse,
  { from, accept = false }: { from: string; accept?: boolean | undefined },
  nowMs: number,
): Promise<void> {
  if (db === null) throw new CommandError('No database: start "npm run dev", or give --database (or DATABASE_URL).');
  const { providers } = await load(from, used, { nowMs, accept });
  console.log(changeLines(used.providers, providers, nowMs).join("\n"));
  const version = await storeCatalogue(db, providers, from, { judgedAgainst: used.version, nowMs });
  if (version === null)
    throw new CommandError("Another catalogue was stored meanwhile. Compare with it: run diff again.");
  console.log(`Stored as ${version}.`);
}

/** @throws CommandError if the document is refused. */
async function load(from: string, used: InUse, how: { nowMs: number; accept: boolean }) {
  const parsed = parseCatalogue(await read(from), used.providers, how);
  if ("providers" in parsed) return parsed;
  throw new CommandError(`${from} is refused: ${parsed.refused}.`);
}

async function read(from: string): Promise<string> {
  if (!/^https?:/.test(from)) {
    return await readFile(from, "utf8").catch(() => {
      throw new CommandError(`${from} cannot be read.`);
    });
  }
  const fetched = await fetchCatalogue(from);
  if (typeof fetched === "object" && "text" in fetched) return fetched.text;
  throw new CommandError(`${from} is refused: ${fetched === "unchanged" ? "no document" : fetched.refused}.`);
}
