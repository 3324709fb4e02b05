/** Which ledger a command talks to: flags, then the environment, then the dev server's `dev.json`. */
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

type Env = Record<string, string | undefined>;

/** Where scripts keep what they must remember; the dev server's data folder. */
export function dataDir(env: Env): string {
  return env["DATA_DIR"] || ".data";
}

/**
 * The dev server's key goes to the dev server only: with another URL a key must be given.
 *
 * @throws CommandError when URL or key is missing or malformed.
 */
export async function findServer(
  flags: { url?: string | undefined; key?: string | undefined },
  env: Env,
): Promise<Server> {
  const path = join(dataDir(env), "dev.json");
  const dev = await readDevFile(path);
  const givenUrl = flags.url ?? env["LLM_COST_URL"];
  const url = normalise(givenUrl ?? dev?.url);
  if (url === undefined) {
    throw new CommandError(
      `No server: ${path} does not exist. Start one with "npm run dev", or give --url and --key (or LLM_COST_URL and LLM_COST_KEY).`,
    );
  }
  const givenKey = flags.key ?? env["LLM_COST_KEY"];
  if (givenKey) return { url, key: givenKey, keyIsLocal: false };
  if (dev?.apiKey !== undefined && normalise(dev.url) === url) return { url, key: dev.apiKey, keyIsLocal: true };
  throw new CommandError(`No key for ${url}: give --key or LLM_COST_KEY.`);
}

function normalise(url: string | undefined): string | undefined {
  if (!url) return undefined;
  const parsed = URL.parse(url);
  if (!parsed || !["http:", "https:"].includes(parsed.protocol)) throw new CommandError(`${url} is no http(s) URL.`);
  return `${parsed.origin}${parsed.pathname}`.replace(/\/+$/, "");
}

async function readDevFile(path: string): Promise<{ url?: string; apiKey?: string } | undefined> {
  try {
    return JSON.parse(await readFile(path, "utf8")) as { url?: string; apiKey?: string };
  } catch {
    return undefined;
  }
}
