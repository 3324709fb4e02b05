/** Text that Postgres cannot store, as a parameter of every route but ingest: a 400 that names it, never a 500. */
import { beforeAll, describe, expect, it } from "vitest";
import { admin, json, ledgerOf, type Ledger, newKey, ofTheWorker, openLedger, problem } from "./ledger.ts";

interface Documented {
  tags: string[];
  security: Record<string, unknown>[];
  parameters?: { name: string; in: string }[];
  requestBody?: { content: Record<string, { examples?: Record<string, { value: unknown }> }> };
}

const { paths } = await json<{ paths: Record<string, Record<string, Documented>> }>(
  await ofTheWorker(new Request("http://ledger/openapi.json")),
);
const routes = Object.entries(paths).flatMap(([path, item]) =>
  Object.entries(item)
    .filter(([, { tags }]) => !tags.includes("Ingest"))
    .map(([method, documented]) => ({ method: method.toUpperCase(), path, documented })),
);
const IN_QUERY = ["%00", "a%00b"];
/** The first and the last half of a pair, too, which UTF-8 does not have. */
const IN_PATH = [...IN_QUERY, "%ED%A0%80", "x%ed%bf%bf"];
const IN_JSON = ["\\u0000", "a\\u0000b", "\\ud800", "\\udc00a"];

let ledger: Ledger;

beforeAll(async () => {
  const { projectId } = await openLedger();
  ledger = ledgerOf(projectId, await newKey(projectId, ["admin"]));
});

async function ask(route: (typeof routes)[number], path: string, body?: string): Promise<Response> {
  const { method, documented } = route;
  const own = body ?? (documented.requestBody ? "{}" : undefined);
  if (documented.security[0] && "adminKey" in documented.security[0])
    return await admin(method, path, own === undefined ? undefined : JSON.parse(own));
  const headers = { "content-type": "application/json" };
  return await ledger.fetch(path, { method, headers, ...(own === undefined ? {} : { body: own }) });
}

describe.each(routes)("$method $path", (route) => {
  const { path, documented } = route;
  const filled = path.replace(/\{\w+\}/, "x");

  it("refuses it in the query, in names and in values", async () => {
    for (const text of IN_QUERY) {
      const { parameter } = await problem(await ask(route, `${filled}?from=${text}`), 400, "invalid_parameter");
      expect(parameter).toBe("from");
      await problem(await ask(route, `${filled}?limit=1&tag.${text}=x`), 400, "invalid_parameter");
    }
  });

  it.runIf(path.includes("{"))("refuses it in the path", async () => {
    for (const text of IN_PATH) {
      const asked = path.replace(/\{\w+\}/, text);
      const { parameter } = await problem(await ask(route, asked), 400, "invalid_parameter");
      expect(parameter).toBe("id");
    }
  });

  it.runIf(documented.requestBody)("refuses it in the body, in names and in values", async () => {
    const examples = documented.requestBody?.content["application/json"]?.examples ?? {};
    const members = new Set(Object.values(examples).flatMap(({ value }) => Object.keys(value as object)));
    expect(members.size).toBeGreaterThan(0);
    for (const text of IN_JSON) {
      for (const member of members) {
        const { detail } = await problem(await ask(route, filled, `{"${member}":"${text}"}`), 400, "invalid_body");
        expect(detail).toBe(`${member}: must not contain a NUL or half a surrogate pair`);
        await problem(await ask(route, filled, `{"${member}":["${text}"]}`), 400, "invalid_body");
        await problem(await ask(route, filled, `{"${member}":{"${text}":1}}`), 400, "invalid_body");
      }
    }
  });
});

it("leaves text alone that only looks so", async () => {
  expect((await ledger.fetch("/v1/sessions/%2500?limit=1")).status).toBe(404);
  expect((await ledger.fetch("/v1/sessions/%ED%9F%BF?limit=1")).status).toBe(404);
  expect((await ledger.fetch("/v1/traces?user=%25ED%25A0%2580&user=%ED%9F%BF&user=%ED%A0%80")).status).toBe(200);
});
