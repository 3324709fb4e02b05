/** Nothing of `npm run dev` stays behind, however and whenever it ends. */
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { lockFolder } from "../../scripts/local/folder-lock.ts";
import { freePort } from "../../scripts/local/listen.ts";
import { type DevProcess, spawnDevStack } from "./dev-stack.ts";

// Only there can every process be told by its environment.
describe.skipIf(process.platform !== "linux")("the end of the dev stack", () => {
  let dataDir: string;
  let port: number;

  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "llm-cost-e2e-"));
    port = await freePort();
  });
  afterEach(async () => {
    for (const { pid } of await processesOf(dataDir)) process.kill(pid, "SIGKILL");
    await rm(dataDir, { recursive: true, force: true });
  });

  const commands = async (): Promise<string[]> => (await processesOf(dataDir)).map(({ command }) => command);
  const running = (...expected: RegExp[]) =>
    expect
      .poll(commands, { timeout: 60_000, interval: 5 })
      .toEqual(expect.arrayContaining(expected.map((command) => expect.stringMatching(command))));

  /** Nobody is left, and the port and the folder are free at once. */
  async function expectNothingLeft(): Promise<void> {
    await expect.poll(commands, { timeout: 10_000 }).toEqual([]);
    expect(await freePort(port)).toBe(port);
    const unlock = await lockFolder(dataDir);
    await unlock();
  }

  async function send(signal: NodeJS.Signals, whom: "npm" | "node", { npm }: DevProcess): Promise<void> {
    if (whom === "npm") return void npm.kill(signal);
    const node = (await processesOf(dataDir)).find(({ command }) => /^\S*node scripts\/dev\.ts/.test(command));
    process.kill(node!.pid, signal);
  }

  it.each([
    ["SIGTERM", "npm", [/initdb/]],
    ["SIGHUP", "npm", [/workerd/]],
    ["SIGKILL", "npm", [/initdb/]],
    ["SIGKILL", "node", [/initdb/, /workerd/]],
  ] as const)(
    "leaves nothing behind after %s to %s, starting or ready, and starts again",
    async (signal, whom, moments) => {
      for (const moment of moments) {
        const starting = spawnDevStack(dataDir, port);
        await running(moment);
        await send(signal, whom, starting);
        await expectNothingLeft();
      }
      const dev = spawnDevStack(dataDir, port);
      await dev.ready;
      await running(/^npm/, /scripts\/dev\.ts/, /bin\/postgres/, /esbuild/, /workerd/, /^sh -c pids=/);
      await send(signal, whom, dev);
      await expectNothingLeft();
    },
  );

  it("stops in order, once, on a Ctrl-C that reaches npm and all below it", async () => {
    const dev = spawnDevStack(dataDir, port);
    await dev.ready;
    process.kill(-dev.npm.pid!, "SIGINT");
    const [code] = (await once(dev.npm, "close")) as [number | null];
    expect({ code, stopping: dev.output().match(/Stopping/g) }).toEqual({ code: 0, stopping: ["Stopping"] });
    expect(await readFile(join(dataDir, "postgres.log"), "utf8")).toMatch(/database system is shut down\n$/);
    await expectNothingLeft();
  });
});

/** All that were started with this data folder in their environment. */
async function processesOf(dataDir: string): Promise<{ pid: number; command: string }[]> {
  const pids = (await readdir("/proc")).map(Number).filter((pid) => pid > 0);
  const found = await Promise.all(
    pids.map(async (pid) => {
      const [environment = "", command = ""] = await Promise.all(
        ["environ", "cmdline"].map((file) => readFile(`/proc/${pid}/${file}`, "utf8").catch(() => "")),
      );
      if (!environment.split("\0").includes(`DATA_DIR=${dataDir}`)) return [];
      return [{ pid, command: command.replaceAll("\0", " ") }];
    }),
  );
  return found.flat();
}
