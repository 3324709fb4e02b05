/** No page on another origin may ask, except for the description. */
import { expect, it } from "vitest";
import { call, config, json, newKey, ofTheWorker, openLedger } from "./ledger.ts";

it("no answer has a CORS header, except the description's", async () => {
  const { projectId } = await openLedger();
  const keys = [await newKey(projectId, ["admin"]), config.adminKey, "nonsense"];
  const { paths } = await json<{ paths: Record<string, Record<string, unknown>> }>(
    await ofTheWorker(new Request("http://ledger/openapi.json")),
  );
  const routes = Object.entries(paths).flatMap(([path, item]) => Object.keys(item).map((method) => [method, path]));
  const open = new Set<string>();
  for (const [method, path] of [...routes, ["get", "/nothing"], ["get", "/v1/admin/nothing"]] as [string, string][]) {
    const url = `http://ledger${path.replace(/\{\w+\}/g, crypto.randomUUID())}`;
    for (const key of keys) {
      const headers = {
        authorization: `Bearer ${key}`,
        origin: "https://evil.example",
        "content-type": "application/json",
      };
      const preflight = { ...headers, "access-control-request-method": method.toUpperCase() };
      const body = method === "post" ? { body: JSON.stringify([call()]) } : {};
      const asked = [
        new Request(url, { method: method.toUpperCase(), headers, ...body }),
        new Request(url, { method: "OPTIONS", headers: preflight }),
      ];
      for (const request of asked) {
        const response = await ofTheWorker(request);
        await response.body?.cancel();
        if (request.method === "OPTIONS")
          expect([url, [404, 405, 401, 403].includes(response.status)]).toEqual([url, true]);
        const names = [...response.headers.keys()].filter((name) => name.startsWith("access-control-"));
        if (names.length > 0) open.add(`${request.method} ${path}: ${names.join()}`);
      }
    }
  }
  expect([...open]).toEqual(["GET /openapi.json: access-control-allow-origin"]);
});
