/**
 * Ingest against the fastest way into the same table: bare `COPY`, a plain unnest insert, the full write statement,
 * and the Worker in bare workerd with authentication, validation and pricing on. One run, one machine, one Postgres,
 * two connections everywhere; each figure is also a ratio to `COPY`.
 */
import { randomUUID } from "node:crypto";
import pg from "pg";
import type { Database } from "../../src/db/client.ts";
import { decodeNative } from "../../src/ingest/decode/native.ts";
import { type PricedTrace, writeTraces } from "../../src/ingest/write.ts";
import { createPricer } from "../../src/pricing/cost.ts";
import { BATCH, CONNECTIONS, copied, exported, inParallel, timed, unnested } from "./baselines.ts";
import { calls, take } from "./calls.ts";
import { runLoad } from "./load.ts";
import type { Measured } from "./report.ts";
import { startSubject } from "./subject.ts";

const ROWS = 100_000;

export async function benchIngest(say: (line: string) => void): Promise<Measured[]> {
  const subject = await startSubject();
  const pool = new pg.Pool({ connectionString: subject.backends.databaseUrl, max: CONNECTIONS });
  try {
    say(`filling a project with ${ROWS} calls`);
    const filled = await subject.newProject();
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
      { batch: 1, requests: 10_000, connections: 32 },
      { batch: 100, requests: 1_000, connections: 8 },
      { batch: 1_000, requests: 200, connections: 4 },
    ]) {
      say(`POST /v1/traces, ${batch} a request, ${connections} connections`);
      const project = await subject.newProject();
      await posted(subject.url, project.key, batch, Math.ceil(requests / 10), connections);
      const memoryMib = await subject.memoryMib();
      const { requestsPerSecond, p95Ms } = await posted(subject.url, project.key, batch, requests, connections);
      const rate = requestsPerSecond * batch;
      results.push({
        name: `POST /v1/traces, ${batch} a request`,
        value: rate,
        unit: "traces/s",
        ratio: rate / copy,
        p95Ms,
      });
      if (batch === BATCH && memoryMib !== undefined) {
        const after = (await subject.memoryMib())!;
        results.push({
          name: "workerd's memory after that (ratio: to before)",
          value: after,
          unit: "MiB",
          ratio: after / memoryMib,
        });
      }
      await expectStored(pool, project.id, batch * (requests + Math.ceil(requests / 10)));
    }
    return results;
  } finally {
    await pool.end();
    await subject.stop();
  }
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
