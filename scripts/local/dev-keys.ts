/**
 * `dev.json` in the data folder: where the running dev server is, and keys for it. It exists only while everything is
 * ready (or after a kill), so that other commands can wait for it; the keys stay the same from start to start.
 */
import { randomBytes } from "node:crypto";
import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { StartError } from "./start-error.ts";

/** The project that the migrations make. */
const defaultProject = "00000000-0000-4000-8000-000000000000";
const readySeconds = 20;

export interface DevFile {
  url: string;
  apiKey: string;
  adminKey: string;
  /** Signs in on the page. */
  pageKey: string;
  databaseUrl: string;
  /** Upstash's REST API in front of the stack's Redis, and its token. */
  redisUrl: string;
  redisToken: string;
}

/** The keys of the last start; a new admin key where there was none. Takes `dev.json` away until the next write. */
export async function takeLastKeys(
  dataDir: string,
): Promise<{ adminKey: string; last: Partial<Record<string, string>> }> {
  await rename(join(dataDir, "dev.json"), join(dataDir, "dev.last.json")).catch(() => undefined);
  const text = await readFile(join(dataDir, "dev.last.json"), "utf8").catch(() => "");
  const last = parse(text);
  return { adminKey: last["adminKey"] ?? `lct_admin_${randomBytes(20).toString("hex")}`, last };
}

export async function writeDevFile(dataDir: string, content: DevFile): Promise<void> {
  const half = join(dataDir, `dev.json.${process.pid}`);
  await writeFile(half, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 });
  await rename(half, join(dataDir, "dev.json"));
}

/** @throws StartError when the worker does not answer 200 in time. */
export async function waitUntilHealthy(url: string): Promise<void> {
  let last = "no answer";
  for (const deadline = Date.now() + readySeconds * 1_000; Date.now() < deadline; await sleep(50)) {
    try {
      const response = await fetch(`${url}/healthz`, { signal: AbortSignal.timeout(5_000) });
      if (response.ok) return;
      last = `${response.status} ${(await response.text()).slice(0, 300)}`;
    } catch (error) {
      last = (error as Error).message;
    }
  }
  throw new StartError(`The worker is not healthy: GET ${url}/healthz gave ${last}`);
}

/** What a key is made with. */
export interface KeyOrder {
  name: string;
  scopes: readonly string[];
}

export const API_KEY: KeyOrder = { name: "dev", scopes: ["ingest", "read"] };
export const PAGE_KEY: KeyOrder = { name: "page", scopes: ["ingest", "read", "admin"] };

/** The last key where it still works, else a new one of project `default`. */
export async function ensureKey(
  url: string,
  adminKey: string,
  { name, scopes }: KeyOrder,
  lastKey: string | undefined,
): Promise<string> {
  if (lastKey !== undefined) {
    const check = await fetch(`${url}/v1/summary`, { headers: { authorization: `Bearer ${lastKey}` } });
    await check.body?.cancel();
    if (check.ok) return lastKey;
  }
  const response = await fetch(`${url}/v1/keys`, {
    method: "POST",
    headers: { authorization: `Bearer ${adminKey}`, "content-type": "application/json" },
    body: JSON.stringify({ project_id: defaultProject, name, scopes }),
  });
  const text = await response.text();
  const { key } = parse(text);
  if (response.status !== 201 || key === undefined) {
    throw new StartError(
      `The worker made no API key: POST ${url}/v1/keys gave ${response.status} ${text.slice(0, 300)}`,
    );
  }
  return key;
}

function parse(text: string): Partial<Record<string, string>> {
  try {
    return JSON.parse(text) as Partial<Record<string, string>>;
  } catch {
    return {};
  }
}
