/** A Worker with a real standby: no answer lacks what was acknowledged before, and the primary answers in its place. */
import { setTimeout as sleep } from "node:timers/promises";
import { neonConfig } from "@neondatabase/serverless";
import { sql } from "drizzle-orm";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, inject, it, vi } from "vitest";
import { startNeonEndpoint } from "../../scripts/local/neon-endpoint.ts";
import { connect, DatabaseUnavailable, type Database, Expired } from "../../src/db/client.ts";
import { createReader, type ReplicaState } from "../../src/db/replica.ts";
import { requireRaw } from "../../src/retention/kept.ts";
import { type Pair, startPair } from "./standby.ts";

const DRIVERS = ["neon", "postgres"] as const;
type Driver = (typeof DRIVERS)[number];

const ADMIN_KEY = "admin-key-of-this-test-0123456789abcdef";
const HOUR = "from=2025-03-10T05:00:00Z&to=2025-03-10T06:00:00Z";
const RAGGED = "from=2025-03-10T05:00:01Z&to=2025-03-10T05:59:59Z";

let pair: Pair;
let endpoints: Awaited<ReturnType<typeof startNeonEndpoint>>[];
let primary: pg.Client;
let standby: pg.Client;

beforeAll(async () => {
  pair = await startPair();
  const urls = [pair.primaryUrl, pair.standbyUrl];
  endpoints = await Promise.all(urls.map((databaseUrl) => startNeonEndpoint({ databaseUrl })));
  const { port: standbyPort } = new URL(pair.standbyUrl);
  neonConfig.fetchEndpoint = (_host, port) => endpoints[String(port) === standbyPort ? 1 : 0]!.url;
  const clients = urls.map((url) => new pg.Client(url));
  for (const client of clients) client.on("error", () => {});
  await Promise.all(clients.map((client) => client.connect()));
  [primary, standby] = clients as [pg.Client, pg.Client];
}, 120_000);

afterAll(async () => {
  await Promise.all([primary, standby].map((client) => client.end().catch(() => undefined)));
  await Promise.all(endpoints.map(({ close }) => close()));
  await pair.stop();
});

async function caughtUp(): Promise<void> {
  const { rows } = await primary.query<{ lsn: string }>("select pg_current_wal_flush_lsn()::text as lsn");
  for (;;) {
    const reached = await standby.query<{ yes: boolean }>("select pg_last_wal_replay_lsn() >= $1::pg_lsn as yes", [
      rows[0]!.lsn,
    ]);
    if (reached.rows[0]!.yes) return;
    await sleep(5);
  }
}

/** The Worker as it is deployed, in Node, with a project of its own. */
async function open(driver: Driver) {
  vi.resetModules();
  const { default: worker } = await import("../../src/index.ts");
  const { UPSTASH_REDIS_REST_URL, UPSTASH_REDIS_REST_TOKEN } = inject("bindings");
  const env = {
    UPSTASH_REDIS_REST_URL,
    UPSTASH_REDIS_REST_TOKEN,
    ADMIN_KEY,
    ...(driver === "neon"
      ? { DATABASE_URL: pair.primaryUrl, REPLICA_DATABASE_URL: pair.standbyUrl }
      : {
          HYPERDRIVE: { connectionString: pair.primaryUrl },
          REPLICA_HYPERDRIVE: { connectionString: pair.standbyUrl },
        }),
  };
  const left: Promise<unknown>[] = [];
  const context = { waitUntil: (work: Promise<unknown>) => void left.push(work), passThroughOnException() {} };
  let key = ADMIN_KEY;
  const ask = async (path: string, body?: unknown, as = key): Promise<string> => {
    const headers = { authorization: `Bearer ${as}`, "content-type": "application/json", "cache-control": "no-cache" };
    const init = body === undefined ? { headers } : { method: "POST", headers, body: JSON.stringify(body) };
    const response = await worker.fetch!(new Request(`http://ledger${path}`, init) as never, env, context as never);
    await Promise.all(left.splice(0));
    const text = await response.text();
    expect(response.ok, text).toBe(true);
    return text;
  };
  const made = async (path: string, body: object) => JSON.parse(await ask(path, body)) as { id: string; key: string };
  const { id: project_id } = await made("/v1/projects", { name: "test" });
  ({ key } = await made("/v1/keys", { project_id, name: "all", scopes: ["ingest", "read", "admin"] }));

  const counts = async (): Promise<Record<ReplicaState, number>> => {
    const lines = (await ask("/metrics", undefined, ADMIN_KEY)).matchAll(
      /^llm_cost_replica_questions_total\{state="(\w+)"\} (\d+)$/gm,
    );
    const counted = Object.fromEntries([...lines].map(([, state, count]) => [state!, Number(count)]));
    return { answered: 0, behind: 0, unavailable: 0, ...counted };
  };
  let calls = 0;
  return {
    counts,
    write: async () => {
      const call = { id: `call-${++calls}`, timestamp: "2025-03-10T05:30:00Z", provider: "openai", model: "gpt-4o" };
      await ask("/v1/traces", { ...call, input_tokens: 1_000, output_tokens: 100 });
      return calls;
    },
    /** How many calls there are, and what the replica did to find out. */
    count: async (query = HOUR) => {
      const before = await counts();
      const { totals } = JSON.parse(await ask(`/v1/summary?${query}`)) as { totals: { requests: number } };
      const after = await counts();
      const states = (Object.keys(after) as ReplicaState[]).filter((state) => after[state] > before[state]);
      return [totals.requests, states.join()];
    },
    ask,
  };
}

describe.each(DRIVERS)("over %s", (driver) => {
  const database = (url: string): Database => connect({ driver, url });
  const reader = () => createReader(database(pair.primaryUrl), database(pair.standbyUrl), Date.now);

  it("is answered by the standby that has caught up, by the primary where it has not, and by the standby again", async () => {
    const { write, count, ask, counts } = await open(driver);
    await write();
    await caughtUp();
    expect(await count()).toEqual([1, "answered"]);
    expect(await count(RAGGED)).toEqual([1, "answered"]);

    await standby.query("select pg_wal_replay_pause()");
    await write();
    expect(await count()).toEqual([2, "behind"]);
    expect(await count(RAGGED)).toEqual([2, "behind"]);
    expect(await ask(`/v1/explain?${HOUR}`)).toContain('"after_requests":2');
    expect((await ask(`/v1/export?${HOUR}`)).trim().split("\n")).toHaveLength(2);
    expect(await ask(`/v1/export?type=summary&${HOUR}`)).toContain('"requests":2');
    const { answered } = await counts();

    await standby.query("select pg_wal_replay_resume()");
    await caughtUp();
    expect(await count()).toEqual([2, "answered"]);
    expect(await count(RAGGED)).toEqual([2, "answered"]);
    expect(await ask(`/v1/explain?${HOUR}`)).toContain('"after_requests":2');
    expect((await ask(`/v1/export?${HOUR}`)).trim().split("\n")).toHaveLength(2);
    expect((await counts()).answered).toBeGreaterThanOrEqual(answered + 4);
  });

  it("counts every call at once, whether or not the standby has it", async () => {
    const { write, count, counts } = await open(driver);
    for (let round = 0; round < 40; round++) {
      if (round % 20 === 10) await standby.query("select pg_wal_replay_pause()");
      if (round % 20 === 15) await standby.query("select pg_wal_replay_resume()");
      const written = await write();
      if (round % 3 === 0) await sleep(20);
      expect((await count())[0]).toBe(written);
    }
    const { answered, behind } = await counts();
    expect(answered).toBeGreaterThan(0);
    expect(behind).toBeGreaterThanOrEqual(10);
  });

  it("reads from the standby in one snapshot after the check, and writes to the primary", async () => {
    await caughtUp();
    const asked = sql`select pg_is_in_recovery() as standby`;
    const { query, batch, run, counts } = reader();
    expect(await query(asked)).toEqual([{ standby: true }]);
    expect(await batch([asked, sql`select 1 as one`])).toEqual([[{ standby: true }], [{ one: 1 }]]);
    expect(await run({ text: "select pg_is_in_recovery() as standby" }, [])).toEqual([{ standby: false }]);
    expect(counts).toEqual({ answered: 2, behind: 0, unavailable: 0 });
  });

  it("says what is kept no longer, as the primary does", async () => {
    await primary.query("update retention set raw_since = '2020-01-01'");
    await caughtUp();
    const { batch, counts } = reader();
    await expect(batch([requireRaw(0)])).rejects.toBeInstanceOf(Expired);
    await primary.query("update retention set raw_since = 'epoch'");
    expect(counts).toEqual({ answered: 1, behind: 0, unavailable: 0 });
  });

  it("asks a server that is no standby nothing", async () => {
    const { query, counts } = createReader(database(pair.primaryUrl), database(pair.primaryUrl), Date.now);
    expect(await query(sql`select 1 as one`)).toEqual([{ one: 1 }]);
    expect(counts).toEqual({ answered: 0, behind: 1, unavailable: 0 });
  });
});

it("leaves a replica that failed alone for a while", async () => {
  const away = vi.fn(() => Promise.reject(new DatabaseUnavailable("away")));
  let nowMs = 0;
  const primaryAlone = connect({ driver: "postgres", url: pair.primaryUrl });
  const { query, counts } = createReader(primaryAlone, { ...primaryAlone, batch: away }, () => nowMs);
  const ask = () => query(sql`select 1 as one`);
  expect([await ask(), await ask()]).toEqual([[{ one: 1 }], [{ one: 1 }]]);
  expect(away).toHaveBeenCalledTimes(1);
  nowMs = 5_000;
  await ask();
  expect(away).toHaveBeenCalledTimes(2);
  expect(counts).toEqual({ answered: 0, behind: 0, unavailable: 3 });
});

describe("without the standby", () => {
  beforeAll(() => pair.stopStandby());

  it.each(DRIVERS)("is answered by the primary, over %s", async (driver) => {
    const { write, count } = await open(driver);
    await write();
    expect(await count()).toEqual([1, "unavailable"]);
    await write();
    expect(await count(RAGGED)).toEqual([2, "unavailable"]);
  });
});
