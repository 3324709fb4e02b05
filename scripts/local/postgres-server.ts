/**
 * The Postgres process: started, watched, ended in order, and found again when it outlived the process that started it.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { readdir, readFile, readlink, realpath, rm, stat, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { guardChildren } from "./guardian.ts";
import type { PostgresHome } from "./postgres-home.ts";
import { StartError } from "./start-error.ts";

const startSeconds = 60;
const maxLogBytes = 10_000_000;

/** fsync, full_page_writes and synchronous_commit stay on: an acknowledged write must survive a power cut here too. */
const serverSettings = {
  listen_addresses: "127.0.0.1",
  unix_socket_directories: "",
  max_connections: "400",
  shared_buffers: "256MB",
  max_wal_size: "4GB",
  // After a kill it replays what it wrote since the last checkpoint, and is away until then.
  checkpoint_timeout: "30s",
  // Before that it makes sure that all files are on disk. To ask for each file takes seconds.
  ...(process.platform === "linux" && { recovery_init_sync_method: "syncfs" }),
  jit: "off",
  timezone: "UTC",
  log_timezone: "UTC",
  // Statements that fail are the caller's business; the server's own troubles are logged.
  log_min_messages: "log",
  // A query whose caller was killed holds its locks no longer than this.
  client_connection_check_interval: "2s",
};

/** The library behind `GET /v1/admin/database`. Not every package of Postgres has it. */
async function statementStatistics(home: PostgresHome): Promise<Record<string, string>> {
  const folder = join(home.bin, "..", "lib", "postgresql");
  const files = await readdir(folder).catch(() => []);
  const preloaded = files.some((file) => /^pg_stat_statements\.(?:so|dylib|dll)$/.test(file));
  return preloaded ? { shared_preload_libraries: STATEMENT_STATISTICS } : {};
}

/** The name of the library and of the extension. */
export const STATEMENT_STATISTICS = "pg_stat_statements";

export interface Server {
  port: number;
  pid(): number;
  stop(): Promise<void>;
}

const longestPauseMs = 5_000;

/** Starts the server, and starts it again when it ends by itself, for as long as it takes. */
export async function runServer(options: {
  home: PostgresHome;
  logFile: string;
  port: number;
  onEvent: (sentence: string) => void;
}): Promise<Server> {
  const { home, logFile, port, onEvent } = options;
  const stopping = new AbortController();
  let child = await startServer(home, logFile, port);
  let tries: number[] = [];
  let restarting: Promise<void> = Promise.resolve();

  const restart = async (): Promise<void> => {
    let said = "";
    for (;;) {
      tries = tries.filter((at) => at > Date.now() - 60_000);
      const pauseMs = Math.min(500 * tries.length, longestPauseMs);
      await sleep(pauseMs, undefined, { signal: stopping.signal }).catch(() => {});
      if (stopping.signal.aborted) return;
      tries.push(Date.now());
      try {
        child = await startServer(home, logFile, port);
        watch();
        return onEvent("Postgres had ended by itself and was started again.");
      } catch (error) {
        const { message } = error as Error;
        if (message !== said) onEvent(`${message} It is tried again until it starts.`);
        said = message;
      }
    }
  };
  const watch = (): void => {
    child.once("exit", () => {
      if (!stopping.signal.aborted) restarting = restart();
    });
  };
  watch();

  return {
    port,
    pid: () => child.pid ?? 0,
    stop: async () => {
      stopping.abort();
      await restarting;
      if (!hasExited(child)) await endServer(child.pid ?? 0, () => hasExited(child));
    },
  };
}

/** After a kill the old server's processes take a moment to end, and hold its memory until then. */
class StillEnding extends StartError {}
const endingSeconds = 30;

/** They end by themselves, but only after the statements that they run. Only Linux tells which they are. */
async function endLeftProcesses(cluster: string): Promise<void> {
  if (process.platform !== "linux") return;
  const folder = await realpath(cluster);
  for (const pid of await readdir("/proc")) {
    const [cwd, program] = await Promise.all(
      ["cwd", "exe"].map((of) => readlink(`/proc/${pid}/${of}`).catch(() => "")),
    );
    if (cwd !== folder || basename(program!) !== "postgres") continue;
    try {
      process.kill(Number(pid), "SIGKILL");
    } catch {
      // It has ended meanwhile.
    }
  }
}

/** Resolves when connections are accepted, which may take a crash recovery. */
async function startServer(home: PostgresHome, logFile: string, port: number): Promise<ChildProcess> {
  const deadline = Date.now() + endingSeconds * 1_000;
  for (;;) {
    try {
      return await tryServer(home, logFile, port);
    } catch (error) {
      if (!(error instanceof StillEnding) || Date.now() > deadline) throw error;
      await endLeftProcesses(home.cluster);
      await sleep(50);
    }
  }
}

async function tryServer(home: PostgresHome, logFile: string, port: number): Promise<ChildProcess> {
  let logStart = (await stat(logFile).catch(() => undefined))?.size ?? 0;
  if (logStart > maxLogBytes) {
    await rm(logFile, { force: true });
    logStart = 0;
  }
  const log = openSync(logFile, "a", 0o600);
  const settings = Object.entries({ ...serverSettings, ...(await statementStatistics(home)) }).flatMap(
    ([name, value]) => ["-c", `${name}=${value}`],
  );
  const child = spawnTool(home, "postgres", ["-D", home.cluster, "-p", String(port), ...settings], log);
  closeSync(log);

  const deadline = Date.now() + startSeconds * 1_000;
  while (!(await isReady(home.cluster, child))) {
    if (hasExited(child)) {
      const said = (await readFile(logFile, "utf8").catch(() => "")).slice(logStart);
      if (said.includes("still in use"))
        throw new StillEnding(`Processes of an earlier Postgres still use ${home.cluster}: try again.`);
      throw new StartError(describeFailure(home.cluster, port, said));
    }
    if (Date.now() > deadline) {
      child.kill("SIGINT");
      throw new StartError(`Postgres did not start within ${startSeconds} s, see ${logFile}.`);
    }
    await sleep(5);
  }
  return child;
}

// The eighth line of postmaster.pid is the server's state: what pg_ctl waits for, too.
async function isReady(cluster: string, child: ChildProcess): Promise<boolean> {
  const lines = (await readFile(join(cluster, "postmaster.pid"), "utf8").catch(() => "")).split("\n");
  return Number(lines[0]) === child.pid && lines[7]?.trim() === "ready";
}

function describeFailure(cluster: string, port: number, log: string): string {
  if (log.includes("could not bind")) return `Postgres cannot listen on port ${port}: it is already in use.`;
  if (log.includes("No space left on device"))
    return `Postgres cannot start: the disk that holds ${cluster} is full. Make room there; nothing that was stored is lost.`;
  return `Postgres cannot start from ${cluster} (${lastComplaint(log)}).`;
}

export function lastComplaint(output: string): string {
  const lines = output.split("\n").filter((line) => /\b(FATAL|PANIC|error):/.test(line));
  const line = lines.at(-1) ?? output.trim().split("\n").at(-1) ?? "";
  return line.replace(/^(.*?\b(FATAL|PANIC|error):\s*|but )/, "").replace(/\.$/, "") || "it gave no reason";
}

/**
 * Deals with what an earlier process left. The folder is locked, so a postmaster that still runs on it has lost the
 * process that started it. A pid that now is some other program's would keep Postgres from starting: it is replaced by
 * our own, which Postgres takes for stale, and the rest of the file still lets it find surviving backends.
 */
export async function stopOrphan(cluster: string): Promise<void> {
  const file = join(cluster, "postmaster.pid");
  const content = await readFile(file, "utf8").catch(() => "");
  const pid = Number.parseInt(content, 10);
  if (!(pid > 0) || !isAlive(pid)) return;
  if ((await commandLine(pid)).includes(cluster)) {
    await endServer(pid, () => !isAlive(pid));
  } else {
    await writeFile(file, content.replace(/^\d+/, String(process.pid)));
  }
}

async function commandLine(pid: number): Promise<string> {
  if (process.platform === "linux") return readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
  const ps = spawn("ps", ["-o", "command=", "-p", String(pid)]);
  let output = "";
  ps.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  await once(ps, "close").catch(() => undefined);
  return output;
}

// Fast shutdown (no waiting for clients, with a checkpoint); after half a minute without it.
async function endServer(pid: number, ended: () => boolean): Promise<void> {
  for (const [signal, seconds] of [
    ["SIGINT", 30],
    ["SIGQUIT", 5],
    ["SIGKILL", 5],
  ] as const) {
    try {
      process.kill(pid, signal);
    } catch {
      return;
    }
    for (const deadline = Date.now() + seconds * 1_000; Date.now() < deadline; await sleep(10)) {
      if (ended()) return;
    }
  }
}

// In a session of its own: Ctrl-C in a terminal must reach this process only, which then ends Postgres in order.
export function spawnTool(home: PostgresHome, tool: string, args: string[], log?: number): ChildProcess {
  guardChildren();
  return spawn(join(home.bin, tool), args, {
    ...home.account,
    cwd: "/",
    env: { ...process.env, LC_ALL: "C" },
    detached: true,
    stdio: log === undefined ? ["ignore", "pipe", "pipe"] : ["ignore", log, log],
  });
}

function hasExited(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
