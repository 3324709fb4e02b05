/** A newer catalogue, from its URL to the receipts: what it changes, and that a bad one changes nothing. */
import type { ModelInfo, Provider } from "@pydantic/genai-prices";
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { gzipSync } from "node:zlib";
import { sql } from "drizzle-orm";
import { beforeEach, describe, expect, inject, it, vi } from "vitest";
import { createApp } from "../../src/app.ts";
import { fetchCatalogue } from "../../src/catalogue/fetch.ts";
import { parseConfig } from "../../src/config.ts";
import { runScheduled } from "../../src/cron.ts";
import { sha256Hex } from "../../src/digest.ts";
import { createDeps, type Deps } from "../../src/deps.ts";
import { createProject, createKey } from "../../src/keys.ts";
import { storeCatalogue } from "../../src/catalogue/store.ts";
import { CATALOGUE_DAY, CATALOGUE_VERSION } from "../../src/pricing/catalogue.ts";
import { ownDatabase } from "../own-database.ts";
import { changed, embedded, gpt4o, NOVA, published, withNova } from "./documents.ts";
import { ownRedis, serve } from "./server.ts";

const ADMIN_KEY = "admin-key-of-this-test-0123456789abcdef";
const NOON = Date.UTC(2026, 10, 10, 12);
const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

interface Shown {
  client_id: string;
  cost_usd: string | null;
  receipt: { price_version: string | null };
}

/** Isolates of one deployment, whose URL has what `site.document` holds. */
async function deployment() {
  const { db } = await ownDatabase();
  const redis = ownRedis();
  const site = {
    document: published(embedded()),
    /** Answers instead of the document. */
    answer: null as RequestListener | null,
    requests: 0,
    fullAnswers: 0,
  };
  const url = await serve((request, response) => {
    site.requests++;
    if (site.answer) return site.answer(request, response);
    const etag = `"${sha256Hex(site.document)}"`;
    if (request.headers["if-none-match"] === etag) return void response.writeHead(304).end();
    site.fullAnswers++;
    response.writeHead(200, { etag }).end(site.document);
  });
  const clock = { ms: NOON };
  const config = parseConfig({ ...inject("bindings"), ADMIN_KEY, METRICS_TOKEN: ADMIN_KEY, CATALOGUE_URL: url });
  const project = await createProject(db, "test");
  const { key } = await createKey(db, project.id, "all", ["ingest", "read"]);

  function isolate(given: Partial<Deps> = {}) {
    const soon: typeof fetchCatalogue = (...args) => fetchCatalogue(args[0], args[1], 2_000);
    const deps = createDeps(config, { db, redis, now: () => clock.ms, fetchCatalogue: soon, ...given });
    const app = createApp(deps);
    const left: Promise<unknown>[] = [];
    const keepAlive = (work: Promise<unknown>): void => void left.push(work);
    const done = async (): Promise<void> => {
      while (left.length > 0) await Promise.all(left.splice(0));
    };
    const fetch = async (method: string, path: string, body?: unknown, bearer = key): Promise<string> => {
      const headers = { authorization: `Bearer ${bearer}`, "content-type": "application/json" };
      const request = new Request(`http://ledger${path}`, {
        method,
        headers,
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      const response = await app.fetch(request, {}, {
        waitUntil: keepAlive,
        passThroughOnException() {},
        props: {},
      } as never);
      const text = await response.text();
      expect(response.status, text).toBeLessThan(300);
      await done();
      return text;
    };
    return {
      deps,
      /** A call of NOVA: 1,000 input tokens x $1/MTok + 500 output tokens x $2/MTok = $0.002. */
      async call(id: string): Promise<void> {
        const item = { id, timestamp: NOON - HOUR, provider: "openai", model: NOVA.id };
        await fetch("POST", "/v1/traces", [{ ...item, input_tokens: 1_000, output_tokens: 500 }]);
      },
      async calls(): Promise<Record<string, [cost: string | null, version: string | null]>> {
        const { traces } = JSON.parse(await fetch("GET", "/v1/traces?from=2026-11-01&to=2026-11-20")) as {
          traces: (Shown & { id: string })[];
        };
        const receipts = await Promise.all(
          traces.map(async ({ id }) => JSON.parse(await fetch("GET", `/v1/traces/${id}`)) as Shown),
        );
        return Object.fromEntries(receipts.map((of) => [of.client_id, [of.cost_usd, of.receipt.price_version]]));
      },
      metrics: () => fetch("GET", "/metrics", undefined, ADMIN_KEY),
      ready: async () =>
        JSON.parse(await fetch("GET", "/readyz")) as {
          redis: string;
          catalogue: string;
          catalogue_refused: string | null;
        },
      async cron(): Promise<void> {
        await runScheduled(deps, clock.ms, keepAlive);
        await done();
      },
    };
  }
  const stored = async (): Promise<string[]> =>
    (await db.query(sql`select version from catalogue_versions order by stored_at`)).map(({ version }) =>
      String(version),
    );
  return { site, clock, isolate, stored, redis, db, config };
}

beforeEach(() => {
  const logged = vi.spyOn(console, "error").mockImplementation(() => {});
  return () => logged.mockRestore();
});

describe("a newer catalogue", () => {
  it("prices what was unknown, in the past within one run of cron, and from then on in every isolate", async () => {
    const { site, clock, isolate, stored, db } = await deployment();
    const [one, other] = [isolate(), isolate()];
    await one.call("before");
    expect(await other.calls()).toEqual({ before: [null, null] });
    for (const of of [one, other]) expect((await of.ready()).catalogue).toBe(CATALOGUE_VERSION);

    site.document = published(withNova());
    await one.cron();
    const [version] = await stored();
    expect(version).toMatch(/^0\.\d+\.\d+\.20261110-[0-9a-f]{12}$/);
    expect(await one.calls()).toEqual({ before: ["0.002", version] });

    // The other isolate learns of it beside its next request, when its last look is 30 s ago.
    clock.ms += 30 * SECOND;
    await other.call("late");
    await other.call("after");
    expect(await other.calls()).toEqual({
      before: ["0.002", version],
      late: [null, null],
      after: ["0.002", version],
    });
    expect((await other.ready()).catalogue).toBe(version);
    // What it left unpriced meanwhile is healed by a later run, after which nothing is due.
    clock.ms += 2 * MINUTE;
    await one.cron();
    expect((await one.calls())["late"]).toEqual(["0.002", version]);
    expect(await db.query(sql`select from catalogue_versions where healed_at is null`)).toEqual([]);
  });

  it("is known to a new isolate at its first call", async () => {
    const { site, isolate } = await deployment();
    site.document = published(withNova());
    await isolate().cron();
    const fresh = isolate();
    await fresh.call("first");
    expect((await fresh.calls())["first"]![0]).toBe("0.002");
  });

  it("leaves receipts their price and its version", async () => {
    const { site, clock, isolate, stored } = await deployment();
    const one = isolate();
    site.document = published(withNova());
    await one.cron();
    await one.call("old");
    site.document = published(withNova({ input_mtok: 2, output_mtok: 4 }));
    clock.ms += HOUR;
    await one.cron();
    await one.call("new");
    const [first, second] = await stored();
    expect(await one.calls()).toEqual({ old: ["0.002", first], new: ["0.004", second] });
  });

  it("is looked for once an hour by all isolates, and read only if it is another", async () => {
    const { site, clock, isolate, stored } = await deployment();
    const [one, other] = [isolate(), isolate()];
    site.document = published(withNova());
    for (let minute = 0; minute < 59; minute++) {
      await (minute % 2 ? one : other).cron();
      clock.ms += MINUTE;
    }
    expect(site).toMatchObject({ requests: 1, fullAnswers: 1 });
    clock.ms += MINUTE;
    await other.cron();
    expect(site).toMatchObject({ requests: 2, fullAnswers: 1 });
    expect(await stored()).toHaveLength(1);
  });

  it("is shown with its age in /metrics", async () => {
    const { site, clock, isolate, stored } = await deployment();
    const one = isolate();
    expect(await one.metrics()).toContain(`llm_cost_catalogue_info{version="${CATALOGUE_VERSION}"} 1\n`);
    site.document = published(withNova());
    await one.cron();
    clock.ms += 90 * SECOND;
    const metrics = await one.metrics();
    expect(metrics).toContain(`llm_cost_catalogue_info{version="${(await stored())[0]}"} 1\n`);
    expect(metrics).toContain("llm_cost_catalogue_age_seconds 90\n");
    expect(metrics).toContain("llm_cost_catalogue_good_check_age_seconds 90\n");
    expect(metrics).not.toContain("llm_cost_catalogue_refused_info");
  });

  it("does not load custom prices again", async () => {
    const { site, clock, db, redis, config, isolate } = await deployment();
    let loads = 0;
    const query: Deps["db"]["query"] = async (statement) => {
      const rows = await db.query(statement);
      if (JSON.stringify(statement.queryChunks).includes("from custom_prices")) loads++;
      return rows;
    };
    const deps = createDeps(config, { db: { ...db, query }, redis, now: () => clock.ms });
    const project = (await createProject(db, "other")).id;
    const before = await deps.prices.pricerFor(project, clock.ms);
    const known = loads;
    site.document = published(withNova());
    await isolate().cron();
    await deps.catalogue.renew(clock.ms);
    expect(await deps.prices.pricerFor(project, clock.ms)).not.toBe(before);
    expect(loads).toBe(known);
  });

  it("gives way to a newer release until the next look", async () => {
    const { clock, isolate, db } = await deployment();
    const judgedAgainst = CATALOGUE_VERSION;
    clock.ms = Date.parse(CATALOGUE_DAY) - SECOND;
    await storeCatalogue(db, withNova(), "older", { judgedAgainst, nowMs: clock.ms });
    expect((await isolate().ready()).catalogue).toBe(CATALOGUE_VERSION);
    const version = await storeCatalogue(db, withNova(), "newer", { judgedAgainst, nowMs: clock.ms + SECOND });
    expect((await isolate().ready()).catalogue).toBe(version);
  });

  it("is stored by one of two runs only, if these found different ones", async () => {
    const { site, clock, isolate, stored, redis, db } = await deployment();
    // Both read the last look before either writes that it looks.
    let readers = 0;
    let both = (): void => {};
    const met = new Promise<void>((resolve) => (both = resolve));
    const slow: Deps["redis"] = {
      ...redis,
      async getMany(keys) {
        const reply = await redis.getMany(keys);
        if (!keys[0]!.startsWith("catalogue")) return reply;
        if (++readers === 2) both();
        await met;
        return reply;
      },
    };
    site.answer = (_, response) => response.end(published(withNova({ input_mtok: 1 + site.requests })));
    await Promise.all([isolate({ redis: slow }).cron(), isolate({ redis: slow }).cron()]);
    expect(site.requests).toBe(2);
    const [first, ...others] = await stored();
    expect(others).toEqual([]);
    // Later still: what was judged against a version that is no longer in use is not stored.
    const judgedAgainst = CATALOGUE_VERSION;
    const late = await storeCatalogue(db, withNova({ input_mtok: 9 }), "late", { judgedAgainst, nowMs: clock.ms });
    expect([late, await stored()]).toEqual([null, [first]]);
  });
});

const answering =
  (status: number, headers: Record<string, string>, body = ""): RequestListener =>
  (_, response) =>
    void response.writeHead(status, headers).end(body);

describe("a bad catalogue", () => {
  const dear = published(changed((models) => (gpt4o(models).prices["input_mtok"] = 26)));
  const raw = (price: string) => dear.replace('"input_mtok":26', `"input_mtok":${price}`);
  const changedTo = (change: (providers: Provider[]) => void) =>
    published(changed((_, providers) => change(providers)));
  const falling = (on: Record<string, string>) =>
    changedTo((providers) => {
      for (const provider of providers) {
        if (on[provider.id] !== undefined) provider.fallback_model_providers = [on[provider.id]!];
      }
    });
  const gpt = (match: ModelInfo["match"]) => published(changed((models) => models.push({ ...NOVA, match })));
  const bomb = gzipSync(Buffer.alloc(200_000_000, " "));

  const BAD: readonly (readonly [string, string | RequestListener, string])[] = [
    ["10x dearer", dear, "changes from 2.5 to 26"],
    ["10x cheaper", raw("0.2"), "changes from 2.5 to 0.2"],
    ["a price as a string", raw('"2.5"'), "expected number, received string"],
    ["a negative price", raw("-1"), "input_mtok"],
    ["a price past all money", raw("1e308"), "input_mtok"],
    ["an infinite price", raw("1e999"), "input_mtok"],
    ["NaN", raw("NaN"), "it is not JSON"],
    ["a provider gone", changedTo((providers) => providers.pop()), "is gone"],
    ["a model gone", published(changed((models) => models.splice(models.indexOf(gpt4o(models)), 1))), "is gone"],
    ["an id twice", changedTo((providers) => providers.push(providers[0]!)), "is there twice"],
    ["a circle of providers", falling({ perplexity: "groq", groq: "perplexity" }), "falls back on others itself"],
    ["a reference", gpt({ $ref: "#/0" } as never), "match"],
    ["a pattern that backtracks", gpt({ regex: "^(a+)+$" }), "repeats a group"],
    ["patterns that backtrack together", gpt({ or: ["a", "b"].map((end) => ({ regex: `^.*.*${end}$` })) }), "together"],
    ["a key of all objects", raw('2.5,"__proto__":5'), "it has the key __proto__"],
    ["50 MB", " ".repeat(50_000_000), "it has more than 8 MB"],
    ["50 MB without a length", (_, response) => stream(response, 50), "it has more than 8 MB"],
    ["200 MB in 200 KB", (_, response) => response.writeHead(200, { "content-encoding": "gzip" }).end(bomb), "8 MB"],
    ["2 million objects", `[${"{},".repeat(2_000_000)}{}]`, "it has more than 250000 values"],
    ["deep", "[".repeat(100_000), "nested"],
    ["silence", () => {}, "it did not come within 2 s"],
    ["a drop now and then", trickle, "it did not come within 2 s"],
    ["cut off", cutOff, "it could not be fetched"],
    ["a loop", answering(302, { location: "/data.json" }), "it redirects more than 3 times"],
    ["a way elsewhere", answering(302, { location: "http://127.0.0.1:1/" }), "it redirects to what is not https"],
    ["a page", answering(200, { "content-type": "text/html" }, "<!doctype html>"), "it is not JSON"],
    ["an error", answering(500, {}, published(withNova())), "the server answered 500"],
  ];

  it("changes nothing but the last error", { timeout: 120_000 }, async () => {
    const { site, clock, isolate, stored } = await deployment();
    const one = isolate();
    await one.call("a");
    for (const [name, document, reason] of BAD) {
      site.answer = typeof document === "string" ? answering(200, {}, document) : document;
      clock.ms += HOUR;
      await one.cron();
      expect(await stored(), name).toEqual([]);
      expect(await one.ready(), name).toMatchObject({
        catalogue: CATALOGUE_VERSION,
        catalogue_refused: expect.stringContaining(reason) as string,
      });
      expect(await one.metrics(), name).toMatch(/^llm_cost_catalogue_refused_info\{reason="(?:[^"\\\n]|\\.)+"\} 1$/m);
      expect(vi.mocked(console.error).mock.lastCall, name).toEqual([expect.stringContaining(reason)]);
    }
    expect(await one.calls()).toEqual({ a: [null, null] });
    // The log has it once.
    const { length } = vi.mocked(console.error).mock.calls;
    clock.ms += HOUR;
    await one.cron();
    expect(console.error).toHaveBeenCalledTimes(length);
    // And a good one after them is taken.
    site.answer = null;
    site.document = published(withNova());
    clock.ms += HOUR;
    await one.cron();
    expect(await stored()).toHaveLength(1);
    expect((await one.ready()).catalogue_refused).toBeNull();
    expect(await one.metrics()).not.toContain("refused_info");
    expect((await one.calls())["a"]![0]).toBe("0.002");
  });

  it("may be an older one, in which models are not there yet", async () => {
    const { site, clock, isolate, stored } = await deployment();
    const one = isolate();
    site.document = published(withNova());
    await one.cron();
    const [version] = await stored();
    site.document = published(embedded());
    clock.ms += HOUR;
    await one.cron();
    expect(await stored()).toEqual([version]);
    const refused = `the model "${NOVA.id}" of "openai" is gone`;
    expect(await one.ready()).toMatchObject({ catalogue: version, catalogue_refused: refused });
  });

  it("is looked for again soon if the database fails meanwhile", async () => {
    const { site, clock, isolate, stored, db } = await deployment();
    let down = true;
    const batch: Deps["db"]["batch"] = (queries) =>
      down ? Promise.reject(new Error("the database did not answer")) : db.batch(queries);
    const one = isolate({ db: { ...db, batch } });
    site.document = published(withNova());
    await expect(one.cron()).rejects.toThrow("did not answer");
    expect(await one.ready()).toMatchObject({
      catalogue: CATALOGUE_VERSION,
      catalogue_refused: "the database failed while it was looked at",
    });
    expect(await one.metrics()).toContain("refused_info");
    down = false;
    clock.ms += MINUTE;
    await one.cron();
    expect(await stored()).toHaveLength(1);
    expect((await one.ready()).catalogue_refused).toBeNull();
  });

  it("is not asked for while Redis is down, and what is stored holds", async () => {
    const { site, isolate, redis, stored } = await deployment();
    site.document = published(withNova());
    await isolate().cron();
    const [version] = await stored();
    const down = async () => ({ down: true as const });
    const one = isolate({ redis: { ...redis, getMany: down, set: down, take: down } });
    await one.cron();
    expect(site.requests).toBe(1);
    expect(await one.ready()).toMatchObject({ redis: "down", catalogue: version, catalogue_refused: null });
    expect(await one.metrics()).not.toContain("good_check_age");
  });
});

function stream(response: ServerResponse, megabytes: number): void {
  const chunk = Buffer.alloc(1_000_000, " ");
  const send = (left: number): void => {
    if (left === 0) response.end();
    else if (response.write(chunk)) setImmediate(send, left - 1);
    else response.once("drain", () => send(left - 1));
  };
  send(megabytes);
}

function cutOff(request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(200, { "content-length": "9" }).write("[");
  setTimeout(() => request.socket.destroy(), 20);
}

function trickle(_: IncomingMessage, response: ServerResponse): void {
  const timer = setInterval(() => response.write("["), 50);
  response.on("close", () => clearInterval(timer));
}

it("nobody looks without a URL", async () => {
  const { site, clock, redis, db, config } = await deployment();
  const deps = createDeps({ ...config, catalogueUrl: undefined }, { db, redis, now: () => clock.ms });
  await runScheduled(deps, clock.ms, () => {});
  expect(site.requests).toBe(0);
});
