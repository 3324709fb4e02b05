/** The API's description as other tools see it, and the script of its page as npm has it. */
import { parseConfig } from "../../src/config.ts";
import { createDeps } from "../../src/deps.ts";
import { createConfig, lintFromString } from "@redocly/openapi-core";
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, it, inject } from "vitest";
import { createApp } from "../../src/app.ts";
import { SCALAR } from "../../src/http/docs.ts";

const run = promisify(execFile);

it("passes the recommended rules of Redocly's linter", async () => {
  const app = createApp(createDeps(parseConfig(inject("bindings"))));
  const response = await app.request("https://ledger.test/openapi.json");
  const config = await createConfig({ extends: ["recommended"] });
  const problems = await lintFromString({ source: await response.text(), absoluteRef: "openapi.json", config });
  const found = problems.map(({ ruleId, message, location }) => `${ruleId}: ${message} ${location[0]?.pointer}`);
  // What anyone may ask, without a parameter, cannot be asked in a wrong way.
  const cannotBeWrong = /^operation-4xx-response: .*paths\/~1(?:healthz|readyz|docs|openapi\.json)\//;
  expect(found.filter((problem) => !cannotBeWrong.test(problem))).toEqual([]);
});

it("pins the page's script to what npm has", async (context) => {
  const folder = await mkdtemp(join(tmpdir(), "scalar-"));
  try {
    // The package brings 270 others along: too much to install for one file of it.
    const packed = await run("npm", ["pack", "--json", "--prefer-offline", SCALAR.package], { cwd: folder }).catch(
      () => null,
    );
    if (packed === null) return context.skip("npm's registry does not answer");
    const [{ filename }] = JSON.parse(packed.stdout) as [{ filename: string }];
    await run("tar", ["-xzf", filename, `package/${SCALAR.file}`], { cwd: folder });
    const script = await readFile(join(folder, "package", SCALAR.file));
    expect(SCALAR.integrity).toBe(`sha384-${createHash("sha384").update(script).digest("base64")}`);
  } finally {
    await rm(folder, { recursive: true });
  }
});
