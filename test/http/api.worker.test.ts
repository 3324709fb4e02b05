import { expect, it } from "vitest";
import { ofTheWorker } from "./ledger.ts";

it("answers the health probe", async () => {
  const response = await ofTheWorker(new Request("http://ledger/healthz"));
  expect(await response.json()).toEqual({ status: "ok" });
});
