/** How commands end, as processes. */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";
import { text } from "node:stream/consumers";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";

const script = (name: string) => resolve(import.meta.dirname, "../../scripts", name);

interface Ended {
  code?: number;
  stdout: string;
  stderr: string;
}

const run = (args: string[]): Promise<Ended> =>
  promisify(execFile)(process.execPath, args).catch((error: unknown) => error as Ended);

/** A command whose `main` is this text, and which says when it is up. */
function start(main: string) {
  const source = `import { runCommand } from ${JSON.stringify(script("command.ts"))};
    runCommand(async () => ({ main: async (args, { ends, endByItself }) => { ${main} } }));`;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", source]);
  return { child, up: once(child.stdout, "data"), out: text(child.stdout), ended: once(child, "exit") };
}

const FOREVER = `setInterval(() => {}, 1_000); console.log("up"); await new Promise(() => {});`;

describe.each([
  ["demo", []],
  ["import", []],
  ["capture", ["--out", "nowhere"]],
  ["load-test", []],
  ["bench", []],
  ["capacity", []],
  ["profile", ["receipt"]],
])("npm run %s", (name, needed) => {
  it("exits with 0 after --help, and with 1 after a sentence that names a wrong flag", async () => {
    const help = await run([script(`${name}.ts`), "--help"]);
    expect([help.code ?? 0, help.stderr]).toEqual([0, ""]);
    expect(help.stdout).toMatch(new RegExp(`^Usage: npm run ${name} -- `));
    const wrong = await run([script(`${name}.ts`), ...needed, "--bogus"]);
    expect([wrong.code, wrong.stdout]).toEqual([1, ""]);
    expect(wrong.stderr).toBe("Unknown option '--bogus'. See --help.\n");
  });
});

describe("a command ends what it started, the latest first", () => {
  const started = `ends.defer(() => console.log("first")); ends.defer(async () => console.log("second"));`;

  it("when it is done, with its exit code", async () => {
    const { out, ended } = start(`${started} return 3;`);
    expect([await out, await ended]).toEqual(["second\nfirst\n", [3, null]]);
  });

  it("when it fails", async () => {
    const { out, ended } = start(`${started} throw new Error("broken");`);
    expect([await out, await ended]).toEqual(["second\nfirst\n", [1, null]]);
  });

  it.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
    ["SIGHUP", 129],
  ] as const)("on %s", async (signal, code) => {
    const { child, up, out, ended } = start(`${started} ${FOREVER}`);
    await up;
    child.kill(signal);
    expect([await out, await ended]).toEqual(["up\nsecond\nfirst\n", [code, null]]);
  });

  it("by itself after a first signal where it asks for that", async () => {
    const { child, up, out, ended } = start(`${started} const signal = endByItself();
      const over = new Promise((resolve) => signal.addEventListener("abort", resolve));
      const timer = setInterval(() => {}, 1_000); console.log("up"); await over; clearInterval(timer);
      console.log("finishing"); return 130;`);
    await up;
    child.kill("SIGINT");
    expect([await out, await ended]).toEqual(["up\nfinishing\nsecond\nfirst\n", [130, null]]);
  });

  it("once, where npm passes on the Ctrl-C that the terminal told both of", async () => {
    const { child, up, out, ended } = start(`ends.defer(() => new Promise((resolve) => setTimeout(resolve, 300)));
      ${started} ${FOREVER}`);
    await up;
    child.kill("SIGINT");
    setTimeout(() => child.kill("SIGINT"), 100);
    expect([await out, await ended]).toEqual(["up\nsecond\nfirst\n", [130, null]]);
  });

  it("and at once on a second signal", async () => {
    const { child, up, ended } = start(`ends.defer(() => new Promise(() => {})); ${FOREVER}`);
    await up;
    child.kill("SIGINT");
    setTimeout(() => child.kill("SIGINT"), 1_200);
    expect(await ended).toEqual([130, null]);
  });
});
