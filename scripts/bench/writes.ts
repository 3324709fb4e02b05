/** The full write statement straight to Postgres, without the Worker: how fast it is, and what CPU it takes there. */
import { randomUUID } from "node:crypto";
import type pg from "pg";
import type { Database } from "../../src/db/client.ts";
import { decodeNative } from "../../src/ingest/decode/native.ts";
import { type PricedCall } from "../../src/write/columns.ts";
import { writeBatch } from "../../src/write/write-batch.ts";
import { createPricer } from "../../src/pricing/cost.ts";
import { inParallel } from "./baselines.ts";
import { calls, take } from "./calls.ts";
import type { Bench } from "./context.ts";
import { cpuOf } from "./cpu.ts";
import type { Measured } from "./report.ts";
import { splitCost, timed } from "./timing.ts";

export interface Writes {
  batch: number;
  statements: number;
  ms: number;
  /** CPU seconds; undefined where the system does not tell. */
  postgres: number | undefined;
}

export async function writeTimed({ pool }: Bench, projectId: string, rows: number, batch: number): Promise<Writes> {
  const batches = pricedBatches(rows, batch);
  const { value: ms, cpu } = await cpuOf(() =>
    timed(() => inParallel(batches, (traces) => writeBatch(overPg(pool), projectId, traces))),
  );
  return { batch, statements: batches.length, ms, postgres: cpu.postgres };
}

/** From statements of two sizes: what a statement takes, and what each of its traces adds. */
export function databaseCost(small: Writes, large: Writes): Measured[] {
  if (small.postgres === undefined || large.postgres === undefined) return [];
  const { perRequest, perCall } = splitCost(
    { calls: small.batch, cost: (small.postgres / small.statements) * 1e6 },
    { calls: large.batch, cost: (large.postgres / large.statements) * 1e6 },
  );
  return [
    {
      id: "ingest.database_cpu_us_per_trace",
      name: "database CPU that a trace adds to a write statement",
      value: perCall,
      unit: "us",
    },
    {
      id: "ingest.database_cpu_us_per_statement",
      name: "database CPU of a write statement without its traces",
      value: perRequest,
      unit: "us",
    },
  ];
}

function pricedBatches(rows: number, batch: number): PricedCall[][] {
  const nowMs = Date.now();
  const source = calls(nowMs, randomUUID());
  const pricer = createPricer();
  return Array.from({ length: rows / batch }, () =>
    decodeNative(take(source, batch), nowMs).calls.map((call) => ({ call, cost: pricer.costOf(call) })),
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
    run: async ({ text, routine }, values) =>
      (await pool.query(routine?.call ?? text, [...values])).rows as Record<string, unknown>[],
  };
}
