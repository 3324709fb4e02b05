/**
 * Ingest against the fastest way into the same table: bare `COPY`, a plain unnest insert, the full write statement,
 * and the Worker in bare workerd with authentication, validation and pricing on. One machine, one Postgres, two
 * connections everywhere; what the calls take on disk afterwards.
 */
import { randomUUID } from "node:crypto";
import { BATCH, copied, exported, unnested } from "./baselines.ts";
import type { Bench } from "./context.ts";
import { benchPosts } from "./posts.ts";
import { benchHeap } from "./heap.ts";
import type { Measured } from "./report.ts";
import { benchStorage } from "./storage.ts";
import { timed } from "./timing.ts";
import { databaseCost, writeTimed } from "./writes.ts";

const ROWS = 100_000;
const WARM_UP = 5_000;

export async function benchIngest(bench: Bench): Promise<Measured[]> {
  const { pool, say } = bench;
  const rows = Math.ceil(bench.scaled(ROWS) / BATCH) * BATCH;
  const perSecond = (ms: number): number => rows / (ms / 1_000);
  say(`filling a project with ${rows} calls`);
  const [{ id: filled }, { id: other }] = [await bench.newProject(), await bench.newProject()];
  await writeTimed(bench, other, WARM_UP, BATCH);
  const large = await writeTimed(bench, filled, rows, BATCH);
  const write = perSecond(large.ms);

  say("copying them into the same table");
  const lines = await exported(pool, filled);
  const copy = perSecond(await timed(() => copied(pool, lines, randomUUID())));
  say("inserting them by unnest");
  const unnest = perSecond(await timed(() => unnested(pool, lines, randomUUID())));
  say("writing them 100 a statement");
  const small = await writeTimed(bench, other, rows / 2, BATCH / 10);

  const toCopy = (value: number) => ({ value, unit: "rows/s", ratio: value / copy, to: "COPY" });
  return [
    { id: "ingest.copy", name: "bare COPY into the same table", ...toCopy(copy) },
    { id: "ingest.unnest", name: `plain unnest insert, ${BATCH} rows`, ...toCopy(unnest) },
    { id: "ingest.write_1000", name: `full write statement, ${BATCH} traces`, ...toCopy(write) },
    ...(await benchPosts(bench, lines)),
    ...(await benchHeap(bench)),
    ...databaseCost(small, large),
    ...(await benchStorage(bench)),
  ];
}
