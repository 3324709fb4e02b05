/** Servers of Debian's Postgres 15, which has `pg_dump`. The embedded one has not. */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { accessSync } from "node:fs";
import { chown, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { freePort } from "../../scripts/local/listen.ts";

const BIN = "/usr/lib/postgresql/15/bin";
const run = promisify(execFile);

/** Why there can be none here, or null. `REQUIRE_PG15=1` makes that a failure. */
export function lackOfPostgres15(): string | null {
  try {
    for (const tool of ["initdb", "postgres", "pg_dump", "pg_restore"]) accessSync(join(BIN, tool));
    return null;
  } catch {
    const lack = `Postgres 15 is not in ${BIN}: backup and restore are not tested here.`;
    if (process.env["REQUIRE_PG15"] === "1") throw new Error(lack);
    return lack;
  }
}

export interface Postgres15 {
  /** Of its database `llm_cost`. */
  url: string;
  stop(): Promise<void>;
}

export async function startPostgres15(): Promise<Postgres15> {
  const folder = await mkdtemp(join(tmpdir(), "postgres-15-"));
  const account = process.getuid?.() === 0 ? await accountOf("postgres") : null;
  if (account) await chown(folder, account.uid, account.gid);
  const options = { ...account, cwd: "/", env: { LC_ALL: "C" } };
  const data = join(folder, "data");
  await run(
    join(BIN, "initdb"),
    ["-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "-N"],
    options,
  );
  const port = await freePort();
  const settings = ["listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=off", "max_connections=60"];
  const server = spawn(join(BIN, "postgres"), ["-D", data, "-p", String(port), ...settings.flatMap((s) => ["-c", s])], {
    ...options,
    stdio: "ignore",
  });
  const at = ["-h", "127.0.0.1", "-p", String(port), "-U", "postgres"];
  const isReady = async (): Promise<boolean> =>
    (await readFile(join(data, "postmaster.pid"), "utf8").catch(() => "")).split("\n")[7]?.trim() === "ready";
  while (!(await isReady())) {
    if (server.exitCode !== null) throw new Error("Postgres 15 did not start");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  await run(join(BIN, "createdb"), [...at, "llm_cost"]);
  return {
    url: `postgres://postgres:postgres@127.0.0.1:${port}/llm_cost`,
    async stop() {
      const ended = once(server, "exit");
      server.kill("SIGINT");
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function accountOf(name: string): Promise<{ uid: number; gid: number }> {
  const [uid, gid] = await Promise.all(
    ["-u", "-g"].map(async (flag) => Number((await run("id", [flag, name])).stdout)),
  );
  return { uid: uid!, gid: gid! };
}

/** The commands of the README. */
export async function dumpAndRestore(from: string, to: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "dump-"));
  try {
    const file = join(folder, "ledger.dump");
    await run(join(BIN, "pg_dump"), ["--format=custom", "--no-owner", "--no-privileges", `--file=${file}`, from]);
    await run(join(BIN, "psql"), ["--set=ON_ERROR_STOP=1", "--quiet", "--file=scripts/roles.sql", to]);
    const how = ["--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction"];
    await run(join(BIN, "pg_restore"), [...how, `--dbname=${to}`, file]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
