/**
 * What is examined: the dev stack of `dev.json`, or a deployment. Secrets of a deployment come from the environment
 * alone, so that they are in no shell history and in no list of processes.
 */
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { connect, type Database, type DatabaseOptions } from "../../src/db/client.ts";
import { dataDir } from "../client/server.ts";
import { CommandError } from "../command.ts";
import type { DevFile } from "../local/dev-keys.ts";
import { CHECK_MS, type Part } from "./check.ts";
import type { DoctorOptions } from "./options.ts";

export interface Subject {
  kind: "dev stack" | "deployment";
  /** Of the Worker, without a slash at the end. */
  url: string;
  adminKey: string | null;
  /** A project's key. */
  apiKey: string | null;
  metricsToken: string | null;
  database: DatabaseOptions | null;
  replica: DatabaseOptions | null;
  redis: RedisAddress | null;
  /** The checkout, with `wrangler.toml` and `drizzle/`. */
  folder: string;
  /** The environment of `wrangler.toml`; undefined is the top level. */
  environment: string | undefined;
  /** The names of the deployed secrets. Null if nobody asked for them. */
  listSecrets: (() => Promise<string[]>) | null;
  auditDays: number;
  now(): number;
}

export interface RedisAddress {
  url: string;
  token: string;
}

const CHECKOUT = resolve(import.meta.dirname, "../..");

/** How a part is given that a deployment is examined without. */
export const HOW_TO_GIVE: Readonly<Record<Part, string>> = {
  adminKey: "Name the environment variable that holds the admin key: --admin-key-env ADMIN_KEY.",
  database: "Set DATABASE_URL in the environment.",
  replica: "If there is a read replica, set REPLICA_DATABASE_URL in the environment.",
  redis: "Set UPSTASH_REDIS_REST_URL and UPSTASH_REDIS_REST_TOKEN in the environment.",
};

/** @throws CommandError if there is nothing to examine, or if a variable that is named is not set. */
export async function findSubject(options: DoctorOptions, env: NodeJS.ProcessEnv): Promise<Subject> {
  const { url, env: environment, wrangler, auditDays } = options;
  const common = {
    folder: CHECKOUT,
    environment,
    listSecrets: wrangler ? () => listSecrets(environment) : null,
    auditDays,
    now: Date.now,
    metricsToken: env["METRICS_TOKEN"] || null,
  };
  if (url === undefined) return { ...common, ...(await devStack(env)) };
  const variable = (name: string | undefined): string | null => {
    if (name === undefined) return null;
    const value = env[name];
    if (!value) throw new CommandError(`The environment has no ${name}.`);
    return value;
  };
  const [redisUrl, token] = [env["UPSTASH_REDIS_REST_URL"], env["UPSTASH_REDIS_REST_TOKEN"]];
  return {
    ...common,
    kind: "deployment",
    url: url.replace(/\/+$/, ""),
    adminKey: variable(options.adminKeyEnv),
    apiKey: variable(options.keyEnv),
    database: databaseAt(env["DATABASE_URL"], "DATABASE_URL", options, env),
    replica: databaseAt(env["REPLICA_DATABASE_URL"], "REPLICA_DATABASE_URL", options, env),
    redis: redisUrl && token ? { url: redisUrl, token } : null,
  };
}

function databaseAt(
  url: string | undefined,
  name: string,
  { driver }: Pick<DoctorOptions, "driver">,
  env: NodeJS.ProcessEnv,
): DatabaseOptions | null {
  if (!url) return null;
  if (!/^postgres(?:ql)?:$/.test(URL.parse(url)?.protocol ?? ""))
    throw new CommandError(`${name} must be a postgres:// URL.`);
  return { driver, url, fetchEndpoint: driver === "neon" ? env["NEON_FETCH_ENDPOINT"] || undefined : undefined };
}

type Own = Pick<Subject, "kind" | "url" | "adminKey" | "apiKey" | "database" | "replica" | "redis">;

async function devStack(env: NodeJS.ProcessEnv): Promise<Own> {
  const path = join(dataDir(env), "dev.json");
  const text = await readFile(path, "utf8").catch(() => {
    throw new CommandError(
      `${path} does not exist. Start the dev stack with "npm run dev", or name a deployment with --url.`,
    );
  });
  const { url, apiKey, adminKey, databaseUrl, redisUrl, redisToken } = JSON.parse(text) as DevFile;
  return {
    kind: "dev stack",
    url,
    adminKey,
    apiKey,
    database: { driver: "postgres", url: databaseUrl },
    replica: null,
    redis: redisUrl && redisToken ? { url: redisUrl, token: redisToken } : null,
  };
}

/** The subject's database, for a check that may take so long. */
export function databaseOf({ database }: Pick<Subject, "database">, timeoutMs = CHECK_MS): Database {
  if (database === null) throw new Error("no database is given");
  return connect({ ...database, timeoutMs });
}

/** A shorter text is in many words; a deployment's secrets are longer. */
const LEAST_SECRET = 8;

/** All texts that must never be shown. */
export function secretsOf(subject: Subject): string[] {
  const { adminKey, apiKey, metricsToken, database, replica, redis } = subject;
  const passwords = [database, replica].flatMap((options) => {
    const password = URL.parse(options?.url ?? "")?.password;
    return password ? [password, decodeURIComponent(password)] : [];
  });
  const all = [adminKey, apiKey, metricsToken, redis?.token ?? null, ...passwords];
  return all.filter((secret) => secret !== null && secret.length >= LEAST_SECRET) as string[];
}

async function listSecrets(environment: string | undefined): Promise<string[]> {
  const wrangler = join(CHECKOUT, "node_modules/wrangler/bin/wrangler.js");
  const args = [wrangler, "secret", "list", "--format", "json", ...(environment ? ["--env", environment] : [])];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: CHECKOUT, timeout: 20_000 });
  return (JSON.parse(stdout) as { name: string }[]).map(({ name }) => name);
}
