/** What tests of erasing share: a job that runs to its end, and the places of a database that name a user. */
import pg from "pg";
import { connectRedis, type RedisClient } from "../../src/redis.ts";
import type { Database } from "../../src/db/client.ts";
import { type EraseDeps, openErasure, readErasure, runErasures, type ErasureJob } from "../../src/erase/job.ts";
import type { Erasure } from "../../src/erase/erasure.ts";

export const ACTOR = { name: "a key", requestId: "a request" };

export interface Clock {
  ms: number;
}

export function eraseDeps(db: Database, redis: RedisClient, clock: Clock): EraseDeps {
  return { db, redis, now: () => clock.ms, mergeSignal: { raise() {} }, config: { wrapperGraceSeconds: 300 } };
}

/** Redis is of no matter: epochs are moved somewhere. */
export const NO_REDIS = { set: async () => ({ down: false }) } as unknown as ReturnType<typeof connectRedis>;

/** Runs the first pass, `between`, and the second pass. */
export async function erase(
  deps: EraseDeps,
  clock: Clock,
  project: string,
  user: string,
  mode: Erasure["mode"],
  between: () => Promise<void> = async () => {},
): Promise<ErasureJob> {
  const { id } = await openErasure(deps, project, user, mode, ACTOR);
  await runErasures(deps, () => {}, project);
  await between();
  for (let runs = 0; runs < 5; runs++) {
    clock.ms += 60_000;
    if (await runErasures(deps, () => {}, project)) break;
  }
  return (await readErasure(deps, project, id))!;
}

/** Every `table.column` of text or JSON in which the text occurs, read from the catalogue. */
export async function placesOf(databaseUrl: string, text: string): Promise<string[]> {
  const client = new pg.Client({ connectionString: databaseUrl, options: "-c statement_timeout=0" });
  await client.connect();
  try {
    const { rows } = await client.query<{ table: string; column: string }>(`
      select format('%I.%I', n.nspname, c.relname) as table, quote_ident(a.attname) as column
      from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
      join pg_type t on t.oid = a.atttypid left join pg_type e on e.oid = t.typelem
      where n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast') and c.relkind in ('r', 'p', 'm') and not c.relispartition
        and a.attnum > 0 and not a.attisdropped
        and (t.typcategory = 'S' or t.typname in ('json', 'jsonb', 'xml', 'bytea') or e.typcategory = 'S' or e.typname in ('json', 'jsonb'))
      order by 1, 2`);
    const found: string[] = [];
    for (const { table, column } of rows) {
      const asText = `${column}::text`;
      const named = await client.query(`select from ${table} where position($1 in ${asText}) > 0 limit 1`, [text]);
      if (named.rowCount! > 0) found.push(`${table}.${column}`);
    }
    return found;
  } finally {
    await client.end();
  }
}
