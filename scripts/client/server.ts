/** Which ledger a command talks to: the one that its flags name, or the dev server of `dev.json`. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { CommandError } from "../command.ts";

export interface Server {
  /** Without a slash at the end. */
  url: string;
  key: string;
  /** The key is the dev server's own, which that prints anyway; others are never shown. */
  keyIsLocal: boolean;
}

/** Where scripts keep what they must remember; the dev server's data folder. */
export function dataDir(env: Record<string, string | undefined>): string {
  return env["DATA_DIR"] || ".data";
}

/**
 * The dev server's key goes to the dev server only: with another URL a key must be given.
 *
 * @param given URL and key, from flags or from the environment.
 * @param folder the dev server's data folder.
 * @throws CommandError when URL or key is missing.
 */
export async function findServer(
  given: { url?: string | undefined; key?: string | undefined },
  folder: string,
): Promise<Server> {
  const path = join(folder, "dev.json");
  const dev = await readDevFile(path);
  const url = normalise(given.url ?? dev?.url);
  if (url === undefined) {
    throw new CommandError(
      `No server: ${path} does not exist. Start one with "npm run dev", or give --url and --key (or LLM_COST_URL and LLM_COST_KEY).`,
    );
  }
  if (given.key) return { url, key: given.key, keyIsLocal: false };
  if (dev?.apiKey !== undefined && normalise(dev.url) === url) return { url, key: dev.apiKey, keyIsLocal: true };
  throw new CommandError(`No key for ${url}: give --key or LLM_COST_KEY.`);
}

/** The database of the running dev server. Undefined if there is none. */
export async function devDatabaseUrl(folder: string): Promise<string | undefined> {
  return (await readDevFile(join(folder, "dev.json")))?.databaseUrl;
}

function normalise(url: string | undefined): string | undefined {
  if (!url) return undefined;
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname}`.replace(/\/+$/, "");
}

interface DevFile {
  url?: string;
  apiKey?: string;
  databaseUrl?: string;
}

async function readDevFile(path: string): Promise<DevFile | undefined> {
  try {
    return JSON.parse(await readFile(path, "utf8")) as DevFile;
  } catch {
    return undefined;
  }
}
