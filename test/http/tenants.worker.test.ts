/**
 * Two tenants, and every route of the API's description: one asks for what is the other's. Nothing of it is answered,
 * and nothing of it changes.
 */
import { sql } from "drizzle-orm";
import { afterAll, expect, it } from "vitest";
import { db, json, ledgerOf, ofTheWorker } from "./ledger.ts";
import { type Ask, PLAN } from "./tenant-plan.ts";
import { fetch, openTenant, PROJECT, RANGE, secretsOf, stateOf, type Tenant } from "./tenant.ts";

const { paths } = await json<{ paths: Record<string, object> }>(
  await ofTheWorker(new Request("http://ledger/openapi.json")),
);
const routes = Object.entries(paths).flatMap(([path, item]) =>
  Object.keys(item).map((method) => ({ route: `${method.toUpperCase()} ${path}`, path })),
);
const [them, us] = [await openTenant(), await openTenant()];
const secrets = secretsOf(them);

// What cannot be read would stay for all replays of other tests.
afterAll(async () => {
  await db.query(sql`
    delete from dead_letters where project_id in (select id from projects where name like ${`${PROJECT}%`})`);
});

/** The answer to a question of a tenant, with its headers. */
async function ask({ projectId, key }: Tenant, route: string, { path, body, headers }: Ask) {
  const response = await ledgerOf(projectId, key, fetch).fetch(path, {
    method: route.split(" ")[0]!,
    headers: { ...(body !== undefined && { "content-type": "application/json" }), ...headers },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return await shownBy(response);
}

/** The same from the page, with the other's project as the one that it chooses. */
async function askFromPage(cookie: string, { path, headers }: Ask) {
  const chosen = { "x-project-id": them.projectId };
  return await shownBy(
    await fetch(new Request(`http://ledger${path}`, { headers: { ...headers, ...chosen, cookie } })),
  );
}

async function shownBy(response: Response) {
  const text = `${JSON.stringify([...response.headers])}\n${new TextDecoder().decode(await response.arrayBuffer())}`;
  return { status: response.status, text };
}

/** What the question itself says is no secret. */
function leaksIn(text: string, { path, body, headers }: Ask): string[] {
  const said = decodeURIComponent(`${path} ${JSON.stringify([body, headers])}`);
  return secrets.filter((secret) => !said.includes(secret) && text.includes(secret));
}

it("the tenant has something of everything, so that its loss or its change would be seen", async () => {
  const state = await stateOf(them);
  for (const table of ["traces", "api_keys", "custom_prices", "prices", "reprice_jobs", "responses", "dead_letters"])
    expect([table, state[table]]).toEqual([table, expect.stringContaining(them.projectId)]);
  const summary = Object.entries(state).find(([name]) => name.startsWith("/v1/summary"))![1];
  expect(summary).toContain(them.words.user);
  // All its secrets but the key are shown to itself by some route; here by those that show most.
  const shown = await Promise.all(
    [`/v1/traces?${RANGE}`, `/v1/summary?${RANGE}`, "/v1/prices", "/v1/reprice", "/v1/dead-letters"].map(
      async (path) => (await ask(them, "GET", { path, status: 200 })).text,
    ),
  );
  const found = secrets.filter((secret) => shown.join().includes(secret));
  expect(found).toEqual(
    expect.arrayContaining(
      [them.words.user, them.words.model, them.words.tagKey, them.words.letter, them.numbers.inputTokens].map(String),
    ),
  );
});

it("each route has a plan, and each plan a route", () => {
  expect(Object.keys(PLAN).toSorted()).toEqual(routes.map(({ route }) => route).toSorted());
});

it("from the page, a session shows what its key shows, whatever project it names", async () => {
  const body = JSON.stringify({ key: us.key });
  const signedIn = await fetch(new Request("http://ledger/v1/session", { method: "POST", body }));
  expect(signedIn.status).toBe(201);
  const cookie = signedIn.headers.get("set-cookie")!.split(";")[0]!;
  const reading = routes.filter(({ route }) => route.startsWith("GET ") && route !== "GET /v1/session");
  expect(reading.length).toBeGreaterThan(15);
  for (const { route } of reading) {
    const plan = PLAN[route]!;
    for (const asked of [...plan.foreign(them, us), ...plan.own(us)]) {
      const { status, text } = await askFromPage(cookie, asked);
      expect([asked.path, status, leaksIn(text, asked)], text).toEqual([asked.path, asked.status, []]);
      if (asked.shows !== undefined) expect(text).toContain(asked.shows);
    }
  }
});

it.each(routes)("$route answers and changes nothing of another's", async ({ route, path }) => {
  const plan = PLAN[route];
  if (!plan) throw new Error(`${route} has no entry in test/http/tenant-plan.ts`);
  const pattern = new RegExp(`^${path.replace(/\{\w+\}/g, "[^/]+")}$`);
  // Who changes something is asked for nothing else: it may store the other's words as its own.
  const asking = route.startsWith("GET ") ? us : await openTenant();
  const foreign = plan.foreign(them, asking);
  expect(foreign.length).toBeGreaterThan(0);

  const before = await stateOf(them);
  for (const asked of foreign) {
    expect(asked.path.split("?")[0]).toMatch(pattern);
    const { status, text } = await ask(asking, route, asked);
    expect([asked.path, status, leaksIn(text, asked)], text).toEqual([asked.path, asked.status, []]);
  }
  for (const asked of plan.own(asking)) {
    const { status, text } = await ask(asking, route, asked);
    expect([asked.path, status], text).toEqual([asked.path, asked.status]);
    if (asked.shows !== undefined) expect(text).toContain(asked.shows);
  }
  expect(await stateOf(them)).toEqual(before);
});
