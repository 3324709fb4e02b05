/** A child does not outlive a process that is killed in the very moment that it started the child. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";
import { expect, it } from "vitest";

const guardian = resolve(import.meta.dirname, "../../scripts/local/guardian.ts");

it.skipIf(process.platform === "win32")("ends children that were started just before the kill", async () => {
  const program = `
    import { spawn } from "node:child_process";
    import { writeSync } from "node:fs";
    import { guardChildren } from ${JSON.stringify(guardian)};
    guardChildren();
    const { pid } = spawn("sleep", ["60"], { stdio: "ignore" });
    writeSync(1, String(pid));
    process.kill(process.pid, "SIGKILL");`;
  const parent = spawn(process.execPath, ["--input-type=module-typescript", "--eval", program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let printed = "";
  parent.stdout.setEncoding("utf8").on("data", (text: string) => (printed += text));
  const [, signal] = (await once(parent, "close")) as [number | null, string];
  expect([signal, printed]).toEqual(["SIGKILL", expect.stringMatching(/^\d+$/)]);
  const lives = (): boolean => {
    try {
      return process.kill(Number(printed), 0);
    } catch {
      return false;
    }
  };
  try {
    await expect.poll(lives, { timeout: 5_000 }).toBe(false);
  } finally {
    if (lives()) process.kill(Number(printed), "SIGKILL");
  }
});
