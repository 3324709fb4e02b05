/** `npm run dev` as a process of its own, in a data folder of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join, resolve } from "node:path";

export interface DevStack {
  url: string;
  apiKey: string;
  adminKey: string;
  databaseUrl: string;
  /** All that it printed so far. */
  output: () => string;
  /** Sends SIGTERM and returns the exit code. */
  stop: () => Promise<number | null>;
}

/** Starts it and waits for its last line. @throws Error with its output when it ends before. */
export async function startDevStack(dataDir: string, port: number): Promise<DevStack> {
  const child = spawn(process.execPath, [resolve(import.meta.dirname, "../../scripts/dev.ts")], {
    env: { ...process.env, DATA_DIR: dataDir, PORT: String(port), WRAPPER_GRACE_SECONDS: "5" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  await new Promise<void>((ready, failed) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        output += text;
        if (/^Ready/m.test(output)) ready();
      });
    }
    child.once("exit", (code) => failed(new Error(`the dev stack ended with ${code}:\n${output}`)));
  });
  const dev = JSON.parse(await readFile(join(dataDir, "dev.json"), "utf8")) as Omit<DevStack, "output" | "stop">;
  return { ...dev, output: () => output, stop: () => stop(child) };
}

async function stop(child: ChildProcess): Promise<number | null> {
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  const [code] = (await ended) as [number | null];
  return code;
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}
