/**
 * A database of the test's own, over the driver that is tested. What is kept, merged and compacted is decided for all
 * projects of a database, so other tests would interfere. Tests that leave much of it have one, too: elsewhere the cron
 * of others would have it to do.
 */
import { type RetainDeps, retain } from "../src/retention/retain.ts";
import { randomUUID } from "node:crypto";
import pg from "pg";
import { inject, onTestFinished } from "vitest";
import { startHyperdrive } from "../scripts/local/hyperdrive.ts";
import { asWorker } from "../scripts/local/roles.ts";
import { migrate } from "../scripts/local/migrate.ts";
import { connect, type Database } from "../src/db/client.ts";
import { asWorkersDo } from "./ledger.ts";
import { copyOnNodes, distribute, makeOnNodes, nodesOf } from "./cluster.ts";

export interface OwnDatabase {
  /** With the Worker's rights. */
  db: Database;
  /** The owner's. */
  url: string;
}

/** Migrations set what holds for the whole server, which two of them cannot do at once. Any number. */
const MIGRATING = 4_102_991;
/** Migrated by the first that asks; all others are copies of it, which takes a tenth of the time. */
const TEMPLATE = "test_template";

/** Makes an empty database, brought to the newest of the migrations. Returns its owner's URL. */
export async function newDatabase(migrations?: string): Promise<string> {
  const name = `test_${randomUUID().replaceAll("-", "")}`;
  const server = new URL(inject("databaseUrl"));
  const client = new pg.Client({ connectionString: server.href, options: "-c statement_timeout=0" });
  await client.connect();
  try {
    await client.query("select pg_advisory_lock($1)", [MIGRATING]);
    if (migrations !== undefined) {
      await client.query(`create database ${name}`);
      await migrate(at(server, name), { migrationsFolder: migrations });
      return at(server, name);
    }
    const nodes = await nodesOf(server.href);
    if (nodes.length > 0) {
      await copyOnNodes(nodes, name, TEMPLATE, async () => {
        await makeOnNodes(nodes, TEMPLATE);
        await migrate(at(server, TEMPLATE), { roles: true });
        await distribute(at(server, TEMPLATE));
      });
      await migrate(at(server, name), { roles: true });
      return at(server, name);
    }
    const { rowCount } = await client.query("select from pg_database where datname = $1", [TEMPLATE]);
    if (rowCount === 0) {
      // Named so once it is whole.
      await client.query(`drop database if exists ${TEMPLATE}_half`);
      await client.query(`create database ${TEMPLATE}_half`);
      await migrate(at(server, `${TEMPLATE}_half`), { roles: true });
      await client.query(`alter database ${TEMPLATE}_half rename to ${TEMPLATE}`);
    }
    await client.query(`create database ${name} template ${TEMPLATE}`);
    // Rights and settings of a database as a whole are not copied with it.
    await migrate(at(server, name), { roles: true });
    return at(server, name);
  } finally {
    await client.end();
  }
}

function at(server: URL, name: string): string {
  const url = new URL(server);
  url.pathname = `/${name}`;
  return url.href;
}

/**
 * @param onEnd is told what to do in the end; `afterAll` outside a test.
 * @param migrations the folder of fewer migrations than all of this version. What each role may do is of all of them, so
 * everybody is the owner then.
 */
export async function ownDatabase(
  driver = inject("driver"),
  onEnd: (close: () => Promise<void>) => void = onTestFinished,
  migrations?: string,
): Promise<OwnDatabase> {
  const url = await newDatabase(migrations);
  const worker = migrations === undefined ? asWorker(url) : url;
  if (driver === "postgres") {
    const hyperdrive = await startHyperdrive(worker);
    onEnd(hyperdrive.close);
    return { url, db: asWorkersDo({ driver: "postgres", url: hyperdrive.url, timeoutMs: 30_000 }) };
  }
  return {
    url,
    db: asWorkersDo({ url: worker, fetchEndpoint: inject("bindings").NEON_FETCH_ENDPOINT, timeoutMs: 30_000 }),
  };
}

/** The same database as its owner sees it, who may see all statistics. */
export function asOwner({ url }: Pick<OwnDatabase, "url">): Database {
  return inject("driver") === "postgres"
    ? connect({ driver: "postgres", url, timeoutMs: 30_000 })
    : connect({ url, fetchEndpoint: inject("bindings").NEON_FETCH_ENDPOINT, timeoutMs: 30_000 });
}

export type Days = Partial<RetainDeps["config"]>;

/** One run of it at `nowMs`, with all the time that it needs. Returns whether nothing is left. */
export function retainAt(db: Database, nowMs: number, days: Days): Promise<boolean> {
  const config = { rawRetentionDays: undefined, hourRetentionDays: undefined, ...days };
  return retain({ db, config, now: () => nowMs }, Number.POSITIVE_INFINITY);
}

/** The months that `traces` has partitions of, the oldest first. */
export async function oldestPartition(url: string): Promise<string> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const { rows } = await client.query<{ name: string }>(
    "select min(inhrelid::regclass::text) as name from pg_inherits where inhparent = 'traces'::regclass",
  );
  await client.end();
  return rows[0]!.name;
}
