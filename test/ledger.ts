/** What tests in Node share: the database, over the driver that is tested, and traces made from a seed. */
import { inject } from "vitest";
import { connect, type Database, type DatabaseOptions } from "../src/db/client.ts";
import { toShards } from "../src/db/shard-inserts.ts";
import { leadingTo } from "../src/db/shards.ts";
import { connectRedis } from "../src/redis.ts";
import { createProject } from "../src/keys.ts";

export function database(): Database {
  return asWorkersDo({ ...inject("databases")[inject("driver")], timeoutMs: 30_000 });
}

/** Connects. On Citus INSERTs go to the shard of their project, as those of a Worker do. */
export function asWorkersDo(options: DatabaseOptions): Database {
  const db = connect(options);
  return inject("distributed") ? leadingTo(toShards(db), db) : db;
}

export function redis(): ReturnType<typeof connectRedis> {
  const { UPSTASH_REDIS_REST_URL, UPSTASH_REDIS_REST_TOKEN } = inject("bindings");
  return connectRedis(UPSTASH_REDIS_REST_URL, UPSTASH_REDIS_REST_TOKEN);
}

/** What leads a bare Worker to a database; a Hyperdrive binding is no more to it than what it says. */
export function bindingsOf({ driver, url, fetchEndpoint }: DatabaseOptions): Record<string, string | object> {
  const { UPSTASH_REDIS_REST_URL, UPSTASH_REDIS_REST_TOKEN, ADMIN_KEY, LOG_LEVEL } = inject("bindings");
  const others = { UPSTASH_REDIS_REST_URL, UPSTASH_REDIS_REST_TOKEN, ADMIN_KEY, LOG_LEVEL };
  if (driver === "postgres") return { ...others, HYPERDRIVE: { connectionString: url } };
  return { ...others, DATABASE_URL: url, ...(fetchEndpoint !== undefined && { NEON_FETCH_ENDPOINT: fetchEndpoint }) };
}

/** A project of the test's own. Returns its id. */
export async function newProject(db: Database): Promise<string> {
  return (await createProject(db, "test")).id;
}
