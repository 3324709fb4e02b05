/**
 * Backup and restore: a dump that is taken while calls come in is restored into another server. There the audit finds
 * nothing, and all answers are the same, byte for byte.
 */
import { afterAll, expect, inject, it } from "vitest";
import pg from "pg";
import { startHyperdrive } from "../../scripts/local/hyperdrive.ts";
import { migrate } from "../../scripts/local/migrate.ts";
import { createApp } from "../../src/app.ts";
import { parseConfig } from "../../src/config.ts";
import { connect, type Database } from "../../src/db/client.ts";
import { createDeps } from "../../src/deps.ts";
import { createKey, createProject } from "../../src/keys.ts";
import { audit } from "../../src/rollup/audit.ts";
import { merge } from "../../src/rollup/merge.ts";
import { writeBatch } from "../../src/write/write-batch.ts";
import { priced, trace } from "../calls.ts";
import { dumpAndRestore, lackOfPostgres15, type Postgres15, startPostgres15 } from "./postgres-15.ts";

const START = Date.UTC(2026, 2, 10);
const END = START + 2 * 86_400_000;
const RANGE = `from=2026-03-10&to=2026-03-12`;
const QUESTIONS = [
  `/v1/summary?${RANGE}&group_by=application,model&interval=hour&include=latency,buckets,rates`,
  `/v1/summary?${RANGE}&group_by=user&interval=day&tz=Asia/Kolkata`,
  `/v1/explain?${RANGE}&compare=previous`,
  `/v1/export?${RANGE}&type=traces&format=csv&billable=all`,
  `/v1/export?${RANGE}&type=summary&format=focus`,
  `/v1/sessions?${RANGE}`,
  `/v1/prices`,
  `/v1/reprice`,
  `/v1/erasures`,
  `/v1/audit?${RANGE}`,
  `/v1/traces?${RANGE}&billable=all&limit=1000`,
];

const lack = lackOfPostgres15();
if (lack !== null) console.warn(lack);
const started = new AsyncDisposableStack();
afterAll(() => started.disposeAsync());

async function start(): Promise<{ url: string; connected(): Promise<Database> }> {
  const server: Postgres15 = await startPostgres15();
  started.defer(server.stop);
  return {
    url: server.url,
    async connected() {
      const hyperdrive = await startHyperdrive(server.url);
      started.defer(hyperdrive.close);
      return connect({ driver: "postgres", url: hyperdrive.url, timeoutMs: 30_000 });
    },
  };
}

/** Asks the app over a database, past every cache. */
function appOn(db: Database, key: string) {
  const app = createApp(createDeps(parseConfig({ ...inject("bindings") }), { db }));
  return async (path: string): Promise<string> => {
    const headers = { authorization: `Bearer ${key}`, "cache-control": "no-cache" };
    const context = { waitUntil() {}, passThroughOnException() {}, props: {} };
    const response = await app.fetch(new Request(`http://ledger${path}`, { headers }), {}, context as never);
    const text = await response.text();
    expect(response.status, `${path}: ${text}`).toBe(200);
    return text.replaceAll(/"as_of":"[^"]*"/g, "");
  };
}

const calls = (name: string, count: number) =>
  Array.from({ length: count }, (_, i) =>
    priced(
      trace({
        clientId: `${name}-${i}`,
        startedAtMs: START + i * 300_000,
        application: `app-${i % 3}`,
        model: i % 7 === 0 ? "a-model-nobody-knows" : "gpt-4o",
        userId: ["ada", "bob", 'ünïcode "quoted" \\ {braces},', null][i % 4]!,
        sessionId: `session-${i % 9}`,
        durationUs: i * 1_000,
        tags: { team: `team-${i % 2}` },
        ...(i % 3 === 0 && { responseId: `response-${i >> 1}`, traceId: `t-${i % 10}`, spanId: `s-${i}` }),
      }),
    ),
  );

// It brings its own servers, so one driver suffices.
it.skipIf(lack !== null || inject("driver") !== "neon")(
  "restores a dump into another server, with the same answers",
  async () => {
    const [source, target] = await Promise.all([start(), start()]);
    await migrate(source.url, { roles: true });
    const db = await source.connected();
    const { id: project } = await createProject(db, "test");
    const { key } = await createKey(db, project, "test", ["admin"]);
    await writeBatch(db, project, calls("a", 400));
    await merge(db, Date.now, Number.POSITIVE_INFINITY);
    await writeBatch(db, project, calls("b", 100));
    const other = (await createProject(db, "busy")).id;

    const dumped = new AbortController();
    const traffic = (async () => {
      for (let i = 0; !dumped.signal.aborted; i++) await writeBatch(db, other, calls(`busy-${i}`, 20));
      return true;
    })();
    await dumpAndRestore(source.url, target.url).finally(() => dumped.abort());
    await traffic;

    const migrations = async (): Promise<unknown[]> => {
      const client = new pg.Client({ connectionString: target.url });
      await client.connect();
      const { rows } = await client.query("select * from drizzle.__drizzle_migrations order by id");
      await client.end();
      return rows;
    };
    const restored = await migrations();
    await migrate(target.url, { roles: true });
    expect(await migrations()).toEqual(restored);

    const copy = await target.connected();
    for (const id of [project, other])
      expect(await audit(copy, id, START, END)).toMatchObject({ ok: true, mismatches: [] });
    const [ask, askCopy] = [appOn(db, key), appOn(copy, key)];
    const listed = JSON.parse(await ask(QUESTIONS.at(-1)!)) as { traces: { id: string }[] };
    expect(listed.traces.length).toBe(500);
    const receipts = listed.traces.slice(0, 20).map(({ id }) => `/v1/traces/${id}`);
    for (const question of [...QUESTIONS, ...receipts]) expect(await askCopy(question)).toBe(await ask(question));

    // It goes on where the other one was: what was stored is a duplicate, what is new counts.
    expect((await writeBatch(copy, project, calls("a", 2))).outcomes).toEqual(["duplicate", "duplicate"]);
    expect((await writeBatch(copy, project, calls("c", 2))).outcomes).toEqual(["inserted", "inserted"]);
    await merge(copy, Date.now, Number.POSITIVE_INFINITY);
    expect(await audit(copy, project, START, END)).toMatchObject({ ok: true });
  },
);
