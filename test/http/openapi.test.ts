/** The API's description as other tools see it. */
import { parseConfig } from "../../src/config.ts";
import { createDeps } from "../../src/deps.ts";
import { createConfig, lintFromString } from "@redocly/openapi-core";
import { expect, it, inject } from "vitest";
import { createApp } from "../../src/app.ts";

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
