import { exports } from "cloudflare:workers";
import { expect, it } from "vitest";

it("answers the health probe", async () => {
  const response = await exports.default.fetch(new Request("http://ledger/healthz"));
  expect(await response.json()).toEqual({ status: "ok" });
});
