/** What the cookie of the page is taken for: where, from which origin, and in which project. */
import { beforeAll, describe, expect, it } from "vitest";
import { admin, call, config, json, ledgerOf, type Ledger, newKey, ofTheWorker, problem, WEEK } from "./ledger.ts";
import { appWith, openLedger } from "./ledger.ts";
import { ORIGIN, OWN, postKey, type SignedIn, signIn } from "./page.ts";

const fetch = appWith({});
const NOBODY = "00000000-0000-4000-8000-00000000dead";

let ours: Ledger;
let theirs: Ledger;
let page: SignedIn;
let adminPage: SignedIn;

beforeAll(async () => {
  [ours, theirs] = [await openLedger(fetch), await openLedger(fetch)];
  await ours.write([call()]);
  await theirs.write([call(), call()]);
  page = await signIn(fetch, await newKey(ours.projectId, ["admin"]));
  adminPage = await signIn(fetch, config.adminKey);
});

/** How many requests the summary has that this answers with. */
async function requestsOf(answer: Response): Promise<number> {
  return (await json<{ totals: { requests: number } }>(answer)).totals.requests;
}

describe("a change with the cookie", () => {
  const change = (headers: Record<string, string>, { ask } = page) =>
    ask("DELETE", `/v1/traces/${NOBODY}`, undefined, headers);

  it.each([
    [{ "sec-fetch-site": "same-origin" }],
    [{ "sec-fetch-site": "same-origin", origin: "http://other" }],
    [{ origin: ORIGIN }],
  ])("is made from the page: %j", async (headers) => {
    await problem(await change(headers), 404, "not_found");
  });

  it.each([
    [{}],
    [{ "sec-fetch-site": "cross-site" }],
    [{ "sec-fetch-site": "same-site", origin: ORIGIN }],
    [{ "sec-fetch-site": "none" }],
    [{ "sec-fetch-site": "" }],
    [{ origin: "http://ledger:81" }],
    [{ origin: "https://ledger" }],
    [{ origin: "http://ledger.example" }],
    [{ origin: "null" }],
  ])("is refused from elsewhere: %j", async (headers) => {
    await problem(await change(headers), 403, "cross_origin");
    await problem(await change(headers, adminPage), 403, "cross_origin");
  });

  it("is refused at each route that has one, and nothing happens", async () => {
    const { paths } = await json<{ paths: Record<string, Record<string, { security: object[] }>> }>(
      await ofTheWorker(new Request("http://ledger/openapi.json")),
    );
    const routes = Object.entries(paths).flatMap(([path, item]) =>
      Object.entries(item)
        .filter(([method, { security }]) => method !== "get" && security.some((scheme) => "pageSession" in scheme))
        .map(([method]) => ({ method: method.toUpperCase(), path: path.replace("{id}", NOBODY) })),
    );
    expect(routes.length).toBeGreaterThan(10);
    for (const { method, path } of routes) {
      const headers = { "sec-fetch-site": "cross-site", "x-project-id": ours.projectId };
      const body = method === "POST" ? {} : undefined;
      await problem(await adminPage.ask(method, path, body, headers), 403, "cross_origin");
    }
  });

  it("needs no origin with a key, and reading needs none", async () => {
    const headers = { authorization: `Bearer ${await newKey(ours.projectId, ["admin"])}` };
    await problem(await change(headers), 404, "not_found");
    expect((await page.ask("GET", `/v1/summary?${WEEK}`, undefined, {})).status).toBe(200);
  });
});

it.each([
  [{ "sec-fetch-site": "cross-site" }, 403],
  [{ "sec-fetch-site": "same-site" }, 403],
  [{ origin: "http://other" }, 403],
  [{ origin: ORIGIN }, 201],
  [{}, 201],
])("signing in with %j is %i", async (headers, status) => {
  const response = await postKey(fetch, { key: ours.key }, headers as Record<string, string>);
  if (status === 201) expect(response.status).toBe(201);
  else await problem(response, 403, "cross_origin");
});

describe("routes that take calls", () => {
  it.each(["/v1/traces", "/v1/logs", "/v1/litellm", "/api/public/otel/v1/traces"])(
    "%s reads no cookie",
    async (path) => {
      const headers = { ...OWN, "x-project-id": ours.projectId, "content-type": "text/plain" };
      for (const { ask } of [page, adminPage]) expect((await ask("POST", path, [], headers)).status).toBe(401);
    },
  );
});

describe("a session of a key", () => {
  it("sees what the key sees, whatever project it names, and the key in Authorization goes first", async () => {
    const path = `/v1/summary?${WEEK}`;
    const theirProject = { "x-project-id": theirs.projectId };
    expect(await requestsOf(await page.ask("GET", path))).toBe(1);
    expect(await requestsOf(await page.ask("GET", path, undefined, theirProject))).toBe(1);
    expect(await requestsOf(await ours.fetch(path, { headers: theirProject }))).toBe(1);
    const bearer = (key: string) => ({ authorization: `Bearer ${key}` });
    expect(await requestsOf(await page.ask("GET", path, undefined, bearer(theirs.key)))).toBe(2);
    await problem(await page.ask("GET", path, undefined, bearer("nonsense")), 401, "unauthorized");
  });

  it("may what its scopes allow", async () => {
    const reader = await signIn(fetch, await newKey(ours.projectId, ["read"]));
    expect((await reader.ask("GET", "/v1/prices")).status).toBe(200);
    await problem(await reader.ask("DELETE", `/v1/traces/${NOBODY}`), 403, "forbidden");
    for (const { ask } of [reader, page])
      for (const path of ["/v1/projects", "/v1/keys", "/v1/admin/state", "/v1/admin/log", "/v1/admin/nothing"])
        await problem(await ask("GET", path), 403, "forbidden");
  });

  it("counts as a use of the key", async () => {
    const { keys } = await json<{ keys: { id: string; project_id: string; last_used_at: string | null }[] }>(
      await admin("GET", "/v1/keys"),
    );
    const used = keys.filter(({ project_id: id }) => id === ours.projectId).map(({ last_used_at: at }) => at);
    expect(used.filter((at) => at !== null).length).toBeGreaterThan(0);
  });
});

describe("a session of the admin key", () => {
  const chosen = (projectId: string) => ({ ...OWN, "x-project-id": projectId });

  it("may use the routes of the admin key, whatever project it names", async () => {
    for (const path of ["/v1/projects?limit=1", "/v1/keys?limit=1", "/v1/admin/state", "/v1/admin/log?limit=1"])
      for (const headers of [OWN, chosen(ours.projectId), chosen("nonsense")])
        expect((await adminPage.ask("GET", path, undefined, headers)).status).toBe(200);
    await problem(await adminPage.ask("GET", "/v1/admin/nothing"), 404, "not_found");
  });

  it("chooses a project for the routes of projects, and has the scope admin there", async () => {
    const path = `/v1/summary?${WEEK}`;
    const { detail } = await problem(await adminPage.ask("GET", path), 403, "forbidden");
    expect(detail).toContain("X-Project-Id");
    expect(await requestsOf(await adminPage.ask("GET", path, undefined, chosen(ours.projectId)))).toBe(1);
    expect(await requestsOf(await adminPage.ask("GET", path, undefined, chosen(theirs.projectId.toUpperCase())))).toBe(
      2,
    );
    for (const wrong of [NOBODY, "nonsense", "", `${ours.projectId},${theirs.projectId}`]) {
      await problem(await adminPage.ask("GET", path, undefined, chosen(wrong)), 404, "not_found");
      await problem(await adminPage.ask("POST", "/v1/repair", {}, chosen(wrong)), 404, "not_found");
    }
    const range = { from: "2025-03-10", to: "2025-03-11" };
    expect((await adminPage.ask("POST", "/v1/repair", range, chosen(ours.projectId))).status).toBe(200);
    const { entries } = await json<{ entries: object[] }>(await admin("GET", "/v1/admin/log?limit=1000"));
    expect(entries).toContainEqual(
      expect.objectContaining({ actor: "admin key", action: "repair", project_id: ours.projectId }),
    );
  });

  it("adds prices for the project that it names, and else for the one in the body", async () => {
    const price = { model: "page-model", starts_at: "2025-01-01", usd_per_million_tokens: { input: "1" } };
    const post = (body: object, headers: Record<string, string>) => adminPage.ask("POST", "/v1/prices", body, headers);
    const made = await json<{ project_id: string }>(await post(price, chosen(ours.projectId)), 201);
    expect(made.project_id).toBe(ours.projectId);
    await problem(await post({ ...price, project_id: ours.projectId }, chosen(theirs.projectId)), 403, "forbidden");
    await problem(await post(price, OWN), 400, "invalid_body");
    const other = await json<{ project_id: string }>(await post({ ...price, project_id: theirs.projectId }, OWN), 201);
    expect(other.project_id).toBe(theirs.projectId);
  });

  it("reads what is of all projects where it names none", async () => {
    const scrape = async (headers: Record<string, string>) =>
      await (await adminPage.ask("GET", "/metrics", undefined, headers)).text();
    expect(await scrape(OWN)).toContain("llm_cost_catalogue_info");
    expect(await scrape(chosen(ours.projectId))).not.toContain("llm_cost_catalogue_info");
    expect((await adminPage.ask("GET", "/v1/dead-letters?limit=1")).status).toBe(200);
    const { dead_letters: own } = await json<{ dead_letters: unknown[] }>(
      await adminPage.ask("GET", "/v1/dead-letters", undefined, chosen(ours.projectId)),
    );
    expect(own).toEqual([]);
  });

  it("is not what the admin key itself is: as Bearer it chooses no project", async () => {
    const headers = { authorization: `Bearer ${config.adminKey}`, "x-project-id": ours.projectId };
    await problem(await ledgerOf("", "", fetch).fetch("/v1/prices", { headers }), 403, "forbidden");
  });
});
