/** A primary of the test's own and a hot standby that follows it. */
import { execFile } from "node:child_process";
import { appendFile, chown, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import pg from "pg";
import { freePort } from "../../scripts/local/listen.ts";
import { migrate } from "../../scripts/local/migrate.ts";
import { startPostgres } from "../../scripts/local/postgres.ts";
import { findPostgresHome, makePrivateFolder, type PostgresHome } from "../../scripts/local/postgres-home.ts";
import { runServer } from "../../scripts/local/postgres-server.ts";

export interface Pair {
  primaryUrl: string;
  standbyUrl: string;
  stopStandby(): Promise<void>;
  stop(): Promise<void>;
}

export async function startPair(): Promise<Pair> {
  const folder = await mkdtemp(join(tmpdir(), "llm-cost-primary-"));
  const standbyFolder = await mkdtemp(join(tmpdir(), "llm-cost-standby-"));
  const primary = await startPostgres({ dataDir: folder });
  await migrate(primary.url);
  const home = await findPostgresHome(standbyFolder);
  await copyRunning(primary.url, (await findPostgresHome(folder)).cluster, home);
  const port = await freePort();
  const standby = await runServer({ home, logFile: join(standbyFolder, "postgres.log"), port, onEvent: console.error });
  const standbyUrl = new URL(primary.url);
  standbyUrl.port = String(port);
  return {
    primaryUrl: primary.url,
    standbyUrl: standbyUrl.href,
    stopStandby: standby.stop,
    async stop() {
      await standby.stop();
      await primary.stop();
      await Promise.all([folder, standbyFolder].map((path) => rm(path, { recursive: true, force: true })));
    },
  };
}

/** What pg_basebackup does: the embedded binaries are without it. */
async function copyRunning(url: string, from: string, { cluster, account }: PostgresHome): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query("select pg_backup_start('standby', true)");
  await makePrivateFolder(cluster, account);
  await promisify(execFile)("cp", ["-R", `${from}/.`, cluster], { ...account, cwd: "/" });
  const { rows } = await client.query<{ labelfile: string }>("select labelfile from pg_backup_stop()");
  await client.end();
  await Promise.all(["postmaster.pid", "postmaster.opts"].map((name) => rm(join(cluster, name))));
  for (const [name, text] of [
    ["backup_label", rows[0]!.labelfile],
    ["standby.signal", ""],
  ] as const) {
    await writeFile(join(cluster, name), text);
    if (account) await chown(join(cluster, name), account.uid, account.gid);
  }
  const conninfo = new URL(url);
  conninfo.pathname = "/";
  await appendFile(join(cluster, "postgresql.auto.conf"), `primary_conninfo = '${conninfo.href}'\n`);
}
