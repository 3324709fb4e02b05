/** One Postgres and one Redis for all tests of a kind, in a process of their own; each test makes its own project there. */
import { execFile, fork } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";
import { promisify } from "node:util";
import pg from "pg";
import type { TestProject } from "vitest/node";
import { isFresh } from "../scripts/page/build.ts";
import type { BackendsProcess } from "../scripts/local/backends.ts";
import type { DatabaseOptions } from "../src/db/client.ts";
import { distribute, makeOnNodes, nodesOf } from "./cluster.ts";

type Driver = "neon" | "postgres";

declare module "vitest" {
  export interface ProvidedContext {
    bindings: BackendsProcess["bindings"] & { ADMIN_KEY: string };
    /** The owner's; the Worker has the role that it has in production. */
    databaseUrl: string;
    /** The Worker's, when it is tested over Postgres' own protocol. */
    hyperdrives: Record<string, string>;
    /** Which driver is tested, and how tests in Node reach the database over each. */
    driver: Driver;
    databases: Record<Driver, DatabaseOptions>;
    /** Whether it is one of a Citus cluster (cluster.ts). */
    distributed: boolean;
  }
}

const ADMIN_KEY = "test-admin-key-0123456789abcdef0123456789";

/**
 * For glibc: what Postgres frees it keeps. Some statements zero tens of megabytes for tables of hashes, and to take them
 * from the system again each time was a fifth of all that the tests took of the processor.
 */
const KEEPS_MEMORY = {
  MALLOC_MMAP_THRESHOLD_: String(2 ** 28),
  MALLOC_TRIM_THRESHOLD_: String(2 ** 28),
  MALLOC_TOP_PAD_: String(2 ** 24),
};

const SCRIPTS = resolve(import.meta.dirname, "../scripts");

// By their paths, in processes of their own: what they import is for Node itself, not for Vitest. A page that is built
// in here has Vitest's name for `import.meta`, and does not start.
export default async function setup(project: TestProject): Promise<void | (() => Promise<void>)> {
  // It has no tests of its own.
  if (project.isRootProject()) return;
  // The Workers that are tested serve it.
  if (!(await isFresh())) await promisify(execFile)(process.execPath, [resolve(SCRIPTS, "page.ts"), "build"]);
  const { DATABASE_URL: given } = process.env;
  const env: NodeJS.ProcessEnv = { ...process.env, ...KEEPS_MEMORY };
  if (given !== undefined) env["DATABASE_URL"] = await databaseFor(project, given);
  const child = fork(resolve(SCRIPTS, "local/backends.ts"), { env });
  const ended = once(child, "exit");
  const [backends] = (await Promise.race([
    once(child, "message"),
    ended.then(([code]) => {
      throw new Error(`the backends ended with code ${String(code)} before they were up`);
    }),
  ])) as [BackendsProcess];
  if (given === undefined) await forgetDurability(backends.databaseUrl);
  const distributed = given !== undefined && (await nodesOf(backends.databaseUrl)).length > 0;
  if (distributed) await distribute(backends.databaseUrl);
  project.provide("distributed", distributed);
  project.provide("databaseUrl", backends.databaseUrl);
  project.provide("bindings", { ...backends.bindings, ADMIN_KEY });
  const driver: Driver = process.env["DATABASE_DRIVER"] === "postgres" ? "postgres" : "neon";
  project.provide("hyperdrives", driver === "postgres" ? { HYPERDRIVE: backends.hyperdriveUrl } : {});
  project.provide("driver", driver);
  project.provide("databases", {
    neon: { driver: "neon", url: backends.bindings.DATABASE_URL, fetchEndpoint: backends.bindings.NEON_FETCH_ENDPOINT },
    postgres: { driver: "postgres", url: backends.hyperdriveUrl },
  });
  return async () => {
    child.disconnect();
    await ended;
  };
}

/** One for each kind on a server that is given, too: otherwise the cron of one has what another left to do. */
async function databaseFor(project: TestProject, server: string): Promise<string> {
  const url = new URL(server);
  const name = `test_${project.name}_${Date.now()}`;
  const nodes = await nodesOf(server);
  if (nodes.length > 0) await makeOnNodes(nodes, name);
  else {
    const client = new pg.Client({ connectionString: server });
    await client.connect();
    await client.query(`create database ${name}`);
    await client.end();
  }
  url.pathname = `/${name}`;
  return url.href;
}

/** Nobody needs the data after a power cut, so no commit waits for the disk. What a transaction sees stays as it is. */
async function forgetDurability(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  for (const setting of ["fsync", "full_page_writes"]) await client.query(`alter system set ${setting} = off`);
  await client.query("select pg_reload_conf()");
  await client.end();
}
