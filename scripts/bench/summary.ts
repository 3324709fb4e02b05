/**
 * Summaries over 30 days of the demo's traffic, through bare workerd: from the database and from the cache, against
 * `SELECT 1` through the same driver. All figures are p95 in ms.
 */
import { sql } from "drizzle-orm";
import { connect } from "../../src/db/client.ts";
import { decodeNative } from "../../src/ingest/decode/native.ts";
import { writeTraces } from "../../src/ingest/write.ts";
import { createPricer } from "../../src/pricing/cost.ts";
import { merge } from "../../src/rollup/merge.ts";
import { traffic } from "../demo/traffic.ts";
import type { Measured } from "./report.ts";
import { startSubject } from "./subject.ts";

const TRACES = 100_000;
const REPEATS = 200;
const HOUR_MS = 3_600_000;

const QUESTIONS: readonly [name: string, query: (endMs: number) => string][] = [
  ["totals", (end) => `from=${end - 30 * 24 * HOUR_MS}&to=${end}`],
  ["by model and day", (end) => `from=${end - 30 * 24 * HOUR_MS}&to=${end}&group_by=provider,model&interval=day`],
  [
    "by application, days of Berlin",
    (end) => `from=${end - 30 * 24 * HOUR_MS}&to=${end}&group_by=application&interval=day&tz=Europe/Berlin`,
  ],
  ["by user", (end) => `from=${end - 30 * 24 * HOUR_MS}&to=${end}&group_by=user`],
  ["by model with latency", (end) => `from=${end - 30 * 24 * HOUR_MS}&to=${end}&group_by=model&include=latency`],
  [
    "ragged edges",
    (end) => `from=${end - 30 * 24 * HOUR_MS + 754_321}&to=${end - 1_234_567}&group_by=application,model`,
  ],
];

export async function benchSummary(say: (line: string) => void): Promise<Measured[]> {
  const subject = await startSubject();
  try {
    const { DATABASE_URL, NEON_FETCH_ENDPOINT } = subject.backends.bindings;
    const db = connect({ url: DATABASE_URL, fetchEndpoint: NEON_FETCH_ENDPOINT, timeoutMs: 60_000 });
    const { id, key } = await subject.newProject();
    const nowMs = Date.now();
    // An hour that is over for long enough that what is cached of it stays.
    const endMs = Math.floor(nowMs / HOUR_MS) * HOUR_MS - HOUR_MS;

    say(`writing and merging ${TRACES} calls of 30 days`);
    const pricer = createPricer();
    for (const batch of batches(traffic({ days: 30, traces: TRACES, seed: 1, endMs }), 1_000)) {
      const priced = decodeNative(batch, nowMs).traces.map((trace) => ({ trace, cost: pricer.costOf(trace) }));
      await writeTraces(db, id, priced);
    }
    await merge(db, Date.now, Number.POSITIVE_INFINITY);
    await db.query(sql`vacuum analyze rollup`);

    const get = async (query: string, headers: Record<string, string>): Promise<string | null> => {
      const response = await fetch(`${subject.url}/v1/summary?${query}`, {
        headers: { authorization: `Bearer ${key}`, ...headers },
      });
      if (response.status !== 200) throw new Error(`${response.status}: ${await response.text()}`);
      await response.arrayBuffer();
      return response.headers.get("x-cache");
    };
    const baseline = await p95(async () => void (await db.ping()));
    const results: Measured[] = [{ name: "SELECT 1 through the driver", value: baseline, unit: "ms", ratio: 1 }];
    for (const [name, query] of QUESTIONS) {
      say(name);
      const question = query(endMs);
      const fresh = await p95(() => get(question, { "cache-control": "no-cache" }));
      await get(question, {});
      await get(question, {});
      const hit = await p95(async () => {
        if ((await get(question, {})) !== "hit") throw new Error("the cache did not answer");
      });
      results.push({ name: `${name}, from the database`, value: fresh, unit: "ms", ratio: fresh / baseline });
      results.push({ name: `${name}, from the cache`, value: hit, unit: "ms", ratio: hit / baseline });
    }
    return results;
  } finally {
    await subject.stop();
  }
}

async function p95(work: () => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < REPEATS; i++) {
    const began = performance.now();
    await work();
    times.push(performance.now() - began);
  }
  return times.sort((a, b) => a - b)[Math.floor(REPEATS * 0.95)]!;
}

function* batches<T>(items: Iterable<T>, size: number): Generator<T[]> {
  let batch: T[] = [];
  for (const item of items) {
    if (batch.push(item) < size) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
