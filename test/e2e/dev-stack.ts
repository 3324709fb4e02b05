/** `npm run dev` as a process of its own, in a data folder of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";

export interface DevProcess {
  /** npm, which leads a process group of its own, as a shell starts it. */
  npm: ChildProcess;
  /** All that was printed so far. */
  output: () => string;
  /** Resolves with its last line; rejects with its output when it ends before. */
  ready: Promise<void>;
}

export interface DevStack {
  url: string;
  apiKey: string;
  adminKey: string;
  databaseUrl: string;
  output: () => string;
  /** Sends SIGTERM and returns the exit code. */
  stop: () => Promise<number | null>;
  /** Sends SIGKILL to all of it but Postgres. */
  kill: () => Promise<void>;
}

export function spawnDevStack(dataDir: string, port: number, env: NodeJS.ProcessEnv = {}): DevProcess {
  const npm = spawn("npm", ["run", "--silent", "dev"], {
    cwd: resolve(import.meta.dirname, "../.."),
    env: { ...process.env, DATA_DIR: dataDir, PORT: String(port), WRAPPER_GRACE_SECONDS: "5", ...env },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  let output = "";
  const ready = new Promise<void>((ready, failed) => {
    for (const stream of [npm.stdout, npm.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        output += text;
        if (/^Ready/m.test(output)) ready();
      });
    }
    npm.once("close", (code) => failed(new Error(`the dev stack ended with ${code}:\n${output}`)));
  });
  ready.catch(() => {});
  return { npm, output: () => output, ready };
}

/** Starts it and waits for its last line. @throws Error with its output when it ends before. */
export async function startDevStack(dataDir: string, port: number, env: NodeJS.ProcessEnv = {}): Promise<DevStack> {
  const { npm, output, ready } = spawnDevStack(dataDir, port, env);
  await ready;
  const dev = JSON.parse(await readFile(join(dataDir, "dev.json"), "utf8")) as Omit<
    DevStack,
    "output" | "stop" | "kill"
  >;
  return { ...dev, output, stop: () => stop(npm), kill: () => kill(npm) };
}

async function stop(child: ChildProcess): Promise<number | null> {
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  const [code] = (await ended) as [number | null];
  return code;
}

async function kill(npm: ChildProcess): Promise<void> {
  const ended = once(npm, "close");
  process.kill(-npm.pid!, "SIGKILL");
  await ended;
}
