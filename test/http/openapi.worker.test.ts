/** The API's description: complete, public, and true of what it shows. All other tests hold answers to it. */
import { createDeps } from "../../src/deps.ts";
import { beforeAll, describe, expect, it } from "vitest";
import { createApp } from "../../src/app.ts";
import { forProject } from "../../src/db/wall.ts";
import { createKey } from "../../src/keys.ts";
import { saveView } from "../../src/views.ts";
import { operationOf } from "../../src/http/operation.ts";
import { FILES, VIEWS } from "../../src/http/page.ts";
import { describedBy, type OpenApi } from "./described.ts";
import { admin, config, db, json, type Ledger, newKey, ofTheWorker, openLedger, problem } from "./ledger.ts";

interface Example {
  example?: unknown;
  examples?: Record<string, { value: unknown }>;
}

interface Documented {
  operationId: string;
  description?: string;
  security: Record<string, string[]>[];
  parameters?: ({ name: string; in: string } & Example)[];
  requestBody?: { content: Record<string, Example> };
  responses: Record<string, { content?: Record<string, Example> }>;
}

interface Operation extends Documented {
  method: string;
  path: string;
}

let document: OpenApi & { paths: Record<string, Record<string, Documented>>; servers: { url: string }[] };
let operations: Operation[];
let ledger: Ledger;
let scoped: string;

beforeAll(async () => {
  document = await json(await ofTheWorker(new Request("http://ledger/openapi.json")));
  operations = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ ...operation, path, method: method.toUpperCase() })),
  );
  ledger = await openLedger();
  scoped = await newKey(ledger.projectId, ["admin"]);
});

it("is public, for pages of others too, and names no host that a request claims", async () => {
  const response = await ofTheWorker(new Request("http://ledger/openapi.json"));
  expect(response.headers.get("access-control-allow-origin")).toBe("*");
  expect(document.servers).toEqual([{ url: "/" }]);
  const claimed = await ofTheWorker(new Request("http://evil.example/openapi.json"));
  expect(await claimed.text()).not.toContain("evil.example");
});

it("describes every route but those of the page", () => {
  const app = createApp(createDeps(config));
  const ofPage = new Set<string>([...VIEWS, FILES]);
  const routes = app.routes.filter(({ method, path }) => method !== "ALL" && !ofPage.has(path));
  const mounted = new Set(routes.map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, "{$1}")}`));
  expect(new Set(operations.map(({ method, path }) => `${method} ${path}`))).toEqual(mounted);
  // So each has one operation, which also lets callers in.
  expect(routes.filter(({ handler }) => operationOf(handler))).toHaveLength(operations.length);
});

it("says who may ask: without a key all others are 401", async () => {
  for (const { method, path, security } of operations) {
    const body = method === "POST" ? { body: "[]" } : {};
    const response = await ofTheWorker(new Request(`http://ledger${at(path)}`, { method, ...body }));
    expect([path, response.status === 401]).toEqual([path, security.length > 0]);
  }
});

it("says of each route that changes something what it does when it is sent again, and of 503 when that may be", () => {
  for (const { method, path, description = "", responses } of operations) {
    expect([path, description.includes("Sent again: ")]).toEqual([path, method !== "GET"]);
    const busy = responses["503"] as { $ref: string } | { headers?: object } | undefined;
    if (busy === undefined) continue;
    const named = "$ref" in busy ? document.components.responses[busy.$ref.split("/").at(-1)!] : busy;
    expect([path, Object.keys(named?.headers ?? {})]).toEqual([path, expect.arrayContaining(["Retry-After"])]);
  }
});

describe("parameters", () => {
  it("are all that a route takes", async () => {
    const asking = operations.filter(({ parameters }) => parameters?.some((parameter) => parameter.in === "query"));
    expect(asking.length).toBeGreaterThan(6);
    for (const { path, method } of asking) {
      const asked = `${at(path)}?nonsense=1`;
      const answer = path.startsWith("/v1/admin/") ? await admin(method, asked) : await asAdmin(asked, method);
      const { parameter } = await problem(answer, 400, "invalid_parameter");
      expect(parameter).toBe("nonsense");
    }
  });

  it("are taken as their examples and defaults show", async () => {
    for (const { path, method, security, parameters = [] } of operations) {
      for (const parameter of parameters.filter((parameter) => parameter.in === "query")) {
        const { default: fallback } = (parameter as unknown as { schema: { default?: unknown } }).schema;
        for (const value of [parameter.example, fallback]) {
          if (value === undefined) continue;
          const query = isNames(value)
            ? Object.entries(value).map(([name, [text]]) => [name, text])
            : [[parameter.name, String(value)]];
          const beside = needed(path, parameter.name);
          const asked = `${at(path)}?${new URLSearchParams([...query, ...beside] as string[][])}`;
          const isAdmin = Object.keys(security[0]!)[0] === "adminKey";
          const response = await (isAdmin ? admin(method, asked) : asAdmin(asked, method));
          expect([asked, [200, 202, 404].includes(response.status)]).toEqual([asked, true]);
        }
      }
    }
  });
});

describe("examples", () => {
  it("of bodies are taken, and answered as shown", async () => {
    const bodies = operations.flatMap((operation) =>
      Object.entries(operation.requestBody?.content["application/json"]?.examples ?? {}).map(([name, { value }]) => ({
        operation,
        name,
        value,
      })),
    );
    expect(bodies.length).toBeGreaterThan(10);
    // The only objects that bodies are sent to.
    const { id: spare } = await createKey(db, ledger.projectId, "spare", ["read"]);
    const { id: view } = await saveView(forProject(db, ledger.projectId), ledger.projectId, crypto.randomUUID(), {
      name: "spare",
      path: "/",
    });
    for (const { operation, name, value: example } of bodies) {
      const { method, path, security, responses } = operation;
      const isAdmin = Object.keys(security[0] ?? {})[0] === "adminKey";
      // The examples have no key that anyone holds, and no ids of stored calls.
      const value = path === "/v1/session" ? { key: scoped } : example;
      const target = path.includes("doubles") ? (await storedIds(ledger, 2)).join(".") : isAdmin ? spare : view;
      const response = isAdmin
        ? await admin(method, path.replace("{id}", target), value)
        : await ledger.fetch(path.replace("{id}", target), {
            method,
            headers: { authorization: `Bearer ${scoped}`, "content-type": "application/json" },
            body: JSON.stringify(value),
          });
      expect([path, name, response.ok], await response.clone().text()).toEqual([path, name, true]);
      const shown = responses[response.status]?.content?.["application/json"]?.examples?.[name];
      if (shown) expect(await response.json()).toEqual(shown.value);
    }
  });

  it("of parameters go together, and find what the example of a body stored", async () => {
    for (const { method, path, parameters = [] } of operations) {
      const shown = parameters.filter((parameter) => parameter.in === "query" && parameter.example !== undefined);
      if (method !== "GET" || shown.length === 0 || path.startsWith("/v1/plans/")) continue;
      const query = shown.flatMap(({ name, example }) =>
        isNames(example) ? Object.entries(example).map(([name, [text]]) => [name, text]) : [[name, String(example)]],
      );
      const asked = `${example(path)}?${new URLSearchParams(query as string[][])}`;
      const response = await ledger.fetch(asked);
      const text = await response.text();
      expect([asked, response.status], text).toEqual([asked, 200]);
      if (!/audit|unpriced|differences|unknown-members|coverage|doubles/.test(path))
        expect([path, text.includes("assistant")]).toEqual([path, true]);
    }
  });

  it("of paths lead to what the example of a body stored", async () => {
    const trace = await json<{ client_id: string; cost_usd: string }>(await ledger.fetch(example("/v1/traces/{id}")));
    // 1,000 x $0.15/MTok + 200 x $0.60/MTok = $0.00027
    expect(trace).toMatchObject({ client_id: "call-1", cost_usd: "0.00027" });
    const session = await ledger.fetch(`${example("/v1/sessions/{id}")}?from=2026-10-01&to=2026-11-01`);
    expect(await json(session)).toMatchObject({ session_id: "session-1", requests: 1 });
  });
});

describe("what other tests are held to", () => {
  const described = () => describedBy(document);
  const sessions = {
    session_id: "s",
    users: [],
    applications: [],
    first_at: "2026-10-01T00:00:00Z",
    cost_usd: "0",
    plan_cost_usd: "0",
    reported_cost_usd: null,
    inexact_requests: 0,
    inexact_cost_usd: "0",
    tags: {},
  };
  const counts = { requests: 1, errors: 0, input_tokens: 0, output_tokens: 0, total_tokens: 0, unpriced_requests: 0 };
  const session = { ...sessions, ...counts, last_at: "2026-10-01T00:00:00Z" };
  const check = async (body: unknown, status = 200, type = "application/json", query = ""): Promise<void> =>
    await described().check(
      new Request(`http://ledger/v1/sessions${query}`),
      "",
      new Response(JSON.stringify(body), { status, headers: { "content-type": type } }),
    );
  const page = (...sessions: unknown[]) => ({ sessions, next_cursor: null });

  it("takes what is described", async () => {
    await check(page(session), 200, "application/json", "?model=a&limit=1&tag.team=x&unpriced=true");
  });

  it.each([
    ["a field that is not described", page({ ...session, extra: 1 })],
    ["a field that is missing", page({ ...session, users: undefined })],
    ["a value of another type", page({ ...session, requests: "1" })],
    ["money that is no plain decimal", page({ ...session, cost_usd: "1e3" })],
    ["a status", page(session), 201],
    ["a content type", page(session), 200, "text/json"],
    ["a parameter", page(session), 200, "application/json", "?group_by=model"],
    ["a value of a parameter", page(session), 200, "application/json", "?limit=1001"],
    ["a code", { code: "too_many_rows" }, 400, "application/problem+json"],
  ])("refuses %s that is not", async (_, body, status?: number, type?: string, query?: string) => {
    await expect(check(body, status, type, query)).rejects.toThrow(/described/);
  });
});

describe("GET /docs", () => {
  it("may run its own scripts only, and be framed by nobody", async () => {
    const pages = [1, 2].map(async () => await ofTheWorker(new Request("http://ledger/docs")));
    const [page, other] = await Promise.all(pages);
    const policy = page!.headers.get("content-security-policy")!;
    const nonce = /'nonce-([^']+)'/.exec(policy)![1]!;
    expect(policy).not.toContain("unsafe");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).toContain("default-src 'none'");
    expect(other!.headers.get("content-security-policy")).not.toContain(nonce);
    const scripts = [...(await page!.text()).matchAll(/<script[^>]*>/g)].map(([tag]) => tag);
    expect(scripts).toHaveLength(1);
    expect(scripts[0]).toContain(`<script nonce="${nonce}" type="module" `);
    expect(scripts[0]).toMatch(/ src="\/assets\/docs-[\w-]+\.js"/);
  });
});

/** A question with a key of the project that may all. */
/** The ids of calls that the examples before have stored. */
async function storedIds(ledger: Ledger, limit: number): Promise<string[]> {
  const path = `/v1/traces?from=2020-01-01&limit=${limit}`;
  return (await json<{ traces: { id: string }[] }>(await ledger.fetch(path))).traces.map(({ id }) => id);
}

function asAdmin(path: string, method = "GET"): Promise<Response> {
  return ledger.fetch(path, { method, headers: { authorization: `Bearer ${scoped}` } });
}

/** A path with its examples, or ids that nothing has. */
function example(template: string): string {
  const { parameters = [] } = operations.find(({ path, method }) => path === template && method === "GET")!;
  return parameters.reduce((path, { name, example }) => path.replace(`{${name}}`, String(example)), template);
}

function at(template: string): string {
  return template.replace(/\{\w+\}/g, "00000000-0000-4000-8000-000000000000");
}

function isNames(value: unknown): value is Record<string, string[]> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What a parameter needs beside it to make sense. */
function needed(path: string, name: string): string[][] {
  if (path === "/v1/export" && ["interval", "group_by", "include"].includes(name)) return [["type", "summary"]];
  const field = path === "/v1/values" && name !== "field" ? [["field", "application"]] : [];
  if (name === "to") return [...field, ["from", "2026-10-01"]];
  if (name === "from") return [...field, ["to", "2026-11-01"]];
  return field;
}
