/**
 * Ingest against the fastest way into the same table: bare `COPY`, a plain unnest insert, the full write statement,
 * and the Worker in bare workerd with authentication, validation and pricing on. One run, one machine, one Postgres,
 * two connections everywhere; each figure is also a ratio to `COPY`.
 */
import { randomUUID } from "node:crypto";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import pg from "pg";
import { from as copyFrom, to as copyTo } from "pg-copy-streams";
import type { Database } from "../../src/db/client.ts";
import { decodeNative } from "../../src/ingest/decode/native.ts";
import { type PricedTrace, writeTraces } from "../../src/ingest/write.ts";
import { createPricer } from "../../src/pricing/cost.ts";
import { forkBackends } from "../local/backends.ts";
import { calls, take } from "./calls.ts";
import { runLoad } from "./load.ts";
import type { Measured } from "./report.ts";
import { startWorkerd } from "./workerd.ts";

const ROWS = 100_000;
const BATCH = 1_000;
const CONNECTIONS = 2;
const ADMIN_KEY = "bench-admin-key-0123456789abcdef0123456789";

export async function benchIngest(say: (line: string) => void): Promise<Measured[]> {
  const backends = await forkBackends();
  const pool = new pg.Pool({ connectionString: backends.databaseUrl, max: CONNECTIONS });
  const worker = await startWorkerd({ ...backends.bindings, ADMIN_KEY });
  try {
    say(`filling a project with ${ROWS} calls`);
    const filled = await newProject(worker.url);
    const batches = pricedBatches(ROWS);
    const write = await timed(ROWS, () => inParallel(batches, (batch) => writeTraces(overPg(pool), filled.id, batch)));

    say("copying them into the same table");
    const lines = await exported(pool, filled.id);
    const copy = await timed(ROWS, () => copied(pool, lines, randomUUID()));
    say("inserting them by unnest");
    const unnest = await timed(ROWS, () => unnested(pool, lines, randomUUID()));

    const results: Measured[] = [
      { name: "COPY", value: copy, unit: "rows/s", ratio: 1 },
      { name: `plain unnest insert, ${BATCH} rows`, value: unnest, unit: "rows/s", ratio: unnest / copy },
      { name: `full write statement, ${BATCH} traces`, value: write, unit: "rows/s", ratio: write / copy },
    ];
    for (const { batch, requests, connections } of [
      { batch: 1, requests: 6_000, connections: 16 },
      { batch: 100, requests: 1_000, connections: 8 },
      { batch: 1_000, requests: 200, connections: 4 },
    ]) {
      say(`POST /v1/traces, ${batch} a request, ${connections} connections`);
      const project = await newProject(worker.url);
      await posted(worker.url, project.key, batch, Math.ceil(requests / 10), connections);
      const { requestsPerSecond, p95Ms } = await posted(worker.url, project.key, batch, requests, connections);
      const rate = requestsPerSecond * batch;
      results.push({
        name: `POST /v1/traces, ${batch} a request`,
        value: rate,
        unit: "traces/s",
        ratio: rate / copy,
        p95Ms,
      });
      await expectStored(pool, project.id, batch * (requests + Math.ceil(requests / 10)));
    }
    return results;
  } finally {
    await pool.end();
    await worker.stop();
    await backends.stop();
  }
}

async function newProject(url: string): Promise<{ id: string; key: string }> {
  const post = async (path: string, body: unknown): Promise<Record<string, string>> => {
    const headers = { authorization: `Bearer ${ADMIN_KEY}`, "content-type": "application/json" };
    const response = await fetch(url + path, { method: "POST", headers, body: JSON.stringify(body) });
    if (!response.ok) throw new Error(`${path}: ${response.status}`);
    return (await response.json()) as Record<string, string>;
  };
  const { id = "" } = await post("/v1/projects", { name: "bench" });
  const { key = "" } = await post("/v1/keys", { project_id: id, name: "bench", scopes: ["ingest"] });
  return { id, key };
}

function pricedBatches(rows: number): PricedTrace[][] {
  const nowMs = Date.now();
  const source = calls(nowMs, randomUUID());
  const pricer = createPricer();
  return Array.from({ length: rows / BATCH }, () =>
    decodeNative(take(source, BATCH), nowMs).traces.map((trace) => ({ trace, cost: pricer.costOf(trace) })),
  );
}

/** The write's database, over TCP instead of HTTP. */
function overPg(pool: pg.Pool): Database {
  const unused = (): never => {
    throw new Error("the write runs compiled statements only");
  };
  return {
    ping: unused,
    query: unused,
    batch: unused,
    run: async ({ text }, values) => (await pool.query(text, [...values])).rows as Record<string, unknown>[],
  };
}

async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  const left = items.values();
  await Promise.all(
    Array.from({ length: CONNECTIONS }, async () => {
      for (const item of left) await work(item);
    }),
  );
}

async function timed(rows: number, work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return rows / ((performance.now() - began) / 1_000);
}

/** The stored rows as COPY text, without the project, which comes first. */
async function exported(pool: pg.Pool, projectId: string): Promise<string[]> {
  const client = await pool.connect();
  try {
    const stream = client.query(copyTo(`COPY (SELECT * FROM traces WHERE project_id = '${projectId}') TO STDOUT`));
    const exportedText = await text(stream);
    return exportedText
      .split("\n")
      .slice(0, -1)
      .map((line) => line.slice(line.indexOf("\t")));
  } finally {
    client.release();
  }
}

async function copied(pool: pg.Pool, lines: readonly string[], projectId: string): Promise<void> {
  const half = Math.ceil(lines.length / CONNECTIONS);
  await Promise.all(
    Array.from({ length: CONNECTIONS }, async (_, i) => {
      const client = await pool.connect();
      try {
        const own = lines.slice(i * half, (i + 1) * half).map((line) => `${projectId}${line}\n`);
        const chunks = Array.from({ length: Math.ceil(own.length / BATCH) }, (_, at) =>
          own.slice(at * BATCH, (at + 1) * BATCH).join(""),
        );
        await pipeline(Readable.from(chunks), client.query(copyFrom("COPY traces FROM STDIN")));
      } finally {
        client.release();
      }
    }),
  );
}

async function unnested(pool: pg.Pool, lines: readonly string[], projectId: string): Promise<void> {
  const { rows } = await pool.query<{ name: string; type: string }>(
    "SELECT attname AS name, format_type(atttypid, atttypmod) AS type FROM pg_attribute WHERE attrelid = 'traces'::regclass AND attnum > 1 AND NOT attisdropped ORDER BY attnum",
  );
  const statement = `INSERT INTO traces SELECT '${projectId}'::uuid, * FROM unnest(${rows.map(({ type }, i) => `$${i + 1}::${type}[]`).join(", ")}) ON CONFLICT DO NOTHING`;
  const batches = Array.from({ length: Math.ceil(lines.length / BATCH) }, (_, at) => {
    const cells = lines.slice(at * BATCH, (at + 1) * BATCH).map((line) => line.split("\t").slice(1));
    return rows.map((_, column) => cells.map((row) => (row[column] === "\\N" ? null : row[column])));
  });
  await inParallel(batches, (columns) => pool.query(statement, columns));
}

async function posted(
  url: string,
  key: string,
  batch: number,
  requests: number,
  connections: number,
): Promise<{ requestsPerSecond: number; p95Ms: number }> {
  const source = calls(Date.now(), randomUUID());
  const bodies = Array.from({ length: requests }, () => JSON.stringify(take(source, batch)));
  const { seconds, latenciesMs } = await runLoad({
    url: `${url}/v1/traces`,
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    bodies: bodies.values(),
    connections,
  });
  return { requestsPerSecond: requests / seconds, p95Ms: latenciesMs[Math.floor(latenciesMs.length * 0.95)] ?? 0 };
}

/** What was acknowledged must be there, and counted. */
async function expectStored(pool: pg.Pool, projectId: string, expected: number): Promise<void> {
  const { rows } = await pool.query<{ raw: number; rolled: number }>(
    "SELECT (SELECT count(*)::int FROM traces WHERE project_id = $1) AS raw, (SELECT sum(requests)::int FROM rollup WHERE project_id = $1 AND label = '' AND level IN (0, 1)) AS rolled",
    [projectId],
  );
  const [{ raw, rolled } = { raw: 0, rolled: 0 }] = rows;
  if (raw !== expected || rolled !== expected)
    throw new Error(`acknowledged ${expected}, stored ${raw}, rolled up ${rolled}`);
}
