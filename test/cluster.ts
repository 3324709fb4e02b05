/**
 * Databases of the tests on a Citus cluster: if the server of DATABASE_URL is a coordinator with workers, each database
 * that tests make is on all nodes, and distributed by `scripts/citus.sql`. It needs psql.
 */
import { execFile } from "node:child_process";
import { resolve } from "node:path";
import { promisify } from "node:util";
import pg from "pg";

const SCRIPT = resolve(import.meta.dirname, "../scripts/citus.sql");
/** Every shard has all partitions of calls, so few of them make a database in seconds. */
const SHARDS = 4;
const OBJECT_IN_USE = "55006";
const MOST_TRIES = 20;

/** The nodes of the cluster that a database is of, the coordinator first, as URLs of the same database. None on any other Postgres. */
export async function nodesOf(url: string): Promise<string[]> {
  const [extension] = await run(url, "select from pg_extension where extname = 'citus'");
  if (extension === undefined) return [];
  const nodes = await run(url, "select nodename, nodeport from pg_dist_node where isactive order by groupid");
  if (nodes.length < 2) return [];
  return nodes.map(({ nodename, nodeport }) => Object.assign(new URL(url), { host: `${nodename}:${nodeport}` }).href);
}

/** Makes a database on each node, with the extension and the nodes. It is still to be migrated and distributed. */
export async function makeOnNodes(nodes: readonly string[], name: string): Promise<void> {
  for (const node of nodes) {
    await run(node, `create database ${name}`);
    await run(node, `alter database ${name} set citus.shard_count = ${SHARDS}`);
    await run(at(node, name), "create extension citus");
  }
  const [coordinator, ...workers] = nodes.map((node) => new URL(at(node, name)));
  const place = ({ hostname, port }: URL): string => `'${hostname}', ${port}`;
  await run(coordinator!.href, `select citus_set_coordinator_host(${place(coordinator!)})`);
  for (const worker of workers) await run(coordinator!.href, `select citus_add_node(${place(worker)})`);
}

/**
 * Makes a database on each node as a copy of another with all of its shards. Nobody can connect to the other one any
 * more: otherwise Citus' own daemon does, and a database that is in use cannot be copied.
 *
 * @param make makes the other one, if it is not there yet.
 */
export async function copyOnNodes(
  nodes: readonly string[],
  name: string,
  template: string,
  make: () => Promise<void>,
): Promise<void> {
  const whole = `select from pg_database where datname = '${template}' and not datallowconn`;
  if ((await run(nodes[0]!, whole)).length === 0) {
    await dropOnNodes(nodes, template);
    await make();
    // The coordinator's is the last: it tells that all are whole.
    for (const node of nodes.toReversed()) await run(node, `alter database ${template} with allow_connections false`);
  }
  for (const node of nodes) {
    await copy(node, name, template);
    // Rights of a database as a whole are not copied, and Citus does not know this one, so it passes none on.
    await run(node, `grant create on database ${name} to llm_cost_migrate`);
    await run(node, `alter database ${name} set citus.shard_count = ${SHARDS}`);
  }
}

async function copy(node: string, name: string, template: string): Promise<void> {
  for (let tries = 1; ; tries++) {
    await run(node, `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${template}'`);
    try {
      await run(node, `create database ${name} template ${template}`);
      return;
    } catch (error) {
      if ((error as pg.DatabaseError).code !== OBJECT_IN_USE || tries === MOST_TRIES) throw error;
    }
  }
}

export async function distribute(url: string): Promise<void> {
  await promisify(execFile)("psql", [url, "-q", "-v", "ON_ERROR_STOP=1", "-f", SCRIPT]);
}

export async function dropOnNodes(nodes: readonly string[], name: string): Promise<void> {
  for (const node of nodes) await run(node, `drop database if exists ${name} with (force)`);
}

function at(url: string, name: string): string {
  return Object.assign(new URL(url), { pathname: `/${name}` }).href;
}

async function run(url: string, statement: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url, options: "-c statement_timeout=0" });
  client.on("error", () => undefined);
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(statement)).rows;
  } finally {
    await client.end();
  }
}
