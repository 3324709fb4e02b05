/**
 * Answers a question by the code of the API over a database that explains each statement before it runs it. Every
 * transaction is read-only and rolled back, so a route that would write fails.
 */
import { randomBytes } from "node:crypto";
import pg from "pg";
import { createApp } from "../../src/app.ts";
import { parseConfig } from "../../src/config.ts";
import { databaseOver } from "../../src/db/client.ts";
import type { Driver, Row } from "../../src/db/driver.ts";
import { postgresDriver } from "../../src/db/postgres.ts";
import { createDeps } from "../../src/deps.ts";
import type { RedisClient } from "../../src/redis.ts";

export interface Explained {
  text: string;
  /** The lines of the plan, or the plan as Postgres writes it in JSON. */
  plan: string | object;
}

export interface Explanation {
  status: number;
  /** What was answered; of an export, its first chunk. */
  body: string;
  statements: Explained[];
}

export interface Question {
  databaseUrl: string;
  projectId: string;
  /** Path and query of a GET route. */
  path: string;
  nowMs: number;
  json: boolean;
}

/** Longer than the API waits, because a plan is asked for when something takes too long. */
const LIMIT_MS = 300_000;
/** What only sets the session for the statements behind it. */
const SETTING = /^\s*(?:select set_config\(|do\b)/i;

export async function explain({ databaseUrl, projectId, path, nowMs, json }: Question): Promise<Explanation> {
  const statements: Explained[] = [];
  const adminKey = randomBytes(32).toString("hex");
  const config = parseConfig({
    HYPERDRIVE: { connectionString: databaseUrl },
    UPSTASH_REDIS_REST_URL: "http://127.0.0.1:9",
    UPSTASH_REDIS_REST_TOKEN: "none",
    ADMIN_KEY: adminKey,
    LOG_LEVEL: "off",
  });
  const caller = { projectId, keyId: "explained", scopes: new Set(["read", "admin"] as const) };
  const app = createApp(
    createDeps(config, {
      db: databaseOver(explainingDriver(databaseUrl, statements, json), LIMIT_MS),
      redis: NO_REDIS,
      now: () => nowMs,
      keyring: { callerOf: async (key) => (key === adminKey ? null : caller), added() {}, changed() {} },
    }),
  );
  const left: Promise<unknown>[] = [];
  const context = {
    waitUntil: (work: Promise<unknown>) => void left.push(work),
    passThroughOnException() {},
    props: {},
  };
  const key = NEEDS_ADMIN_KEY.test(path) ? adminKey : "explained";
  const request = new Request(`http://ledger${path}`, {
    headers: { authorization: `Bearer ${key}`, "cache-control": "no-cache" },
  });
  const response = await app.fetch(request, {}, context as never);
  const body = await firstChunk(response);
  await Promise.allSettled(left);
  return { status: response.status, body, statements };
}

const NEEDS_ADMIN_KEY = /^\/v1\/(?:admin\/|projects|keys)/;

async function firstChunk(response: Response): Promise<string> {
  const reader = response.body?.getReader();
  if (!reader) return "";
  const { value } = await reader.read();
  await reader.cancel();
  return new TextDecoder().decode(value);
}

/** A driver that notes the plan of each statement that it runs. */
export function explainingDriver(url: string, statements: Explained[], json: boolean): Driver {
  const options = `analyze, buffers, settings, format ${json ? "json" : "text"}`;
  return {
    ...postgresDriver(url),
    async transact(queries, limitMs) {
      const client = new pg.Client({ connectionString: url });
      client.on("error", () => {});
      try {
        await client.connect();
        await client.query("begin transaction isolation level read committed read only");
        await client.query(`set local statement_timeout = ${limitMs}`);
        const answers: Row[][] = [];
        for (const { text, values } of queries) {
          // The plan comes first: the second run finds in memory what the first one read from disk.
          if (!SETTING.test(text)) {
            const { rows } = await client.query<Record<string, unknown>>(`explain (${options}) ${text}`, [...values]);
            const lines = rows.map((row) => row["QUERY PLAN"]);
            statements.push({ text, plan: json ? (lines[0] as object) : lines.join("\n") });
          }
          answers.push((await client.query<Row>(text, [...values])).rows);
        }
        await client.query("rollback");
        return answers;
      } finally {
        await client.end().catch(() => undefined);
      }
    },
  };
}

const down = async () => ({ down: true }) as const;
const NO_REDIS: RedisClient = { getMany: down, set: down, setIfAbsent: down, take: down };
