/** What the calls that were ingested take on disk, and the rollup rows that merging made of them; indexes included. */
import { LEVELS } from "../../src/ledger/levels.ts";
import { merge } from "../../src/rollup/merge.ts";
import type { Bench } from "./context.ts";
import type { Measured } from "./report.ts";

export async function benchStorage({ pool, db, say }: Bench): Promise<Measured[]> {
  const ask = async (query: string): Promise<number> => Number((await pool.query<{ n: string }>(query)).rows[0]!.n);
  const rollupBytes = (): Promise<number> => ask("select pg_total_relation_size('rollup') as n");
  say("merging what was ingested, and vacuuming");
  await merge(db, Date.now, Number.POSITIVE_INFINITY);
  await pool.query("vacuum analyze traces");
  await pool.query("vacuum analyze rollup");
  const calls = await ask("select count(*) as n from traces");
  const counted = await ask(
    `select sum(requests) as n from rollup where level in (${LEVELS.day.join()}) and label = ''`,
  );
  const traceBytes = await ask("select sum(pg_total_relation_size(relid)) as n from pg_partition_tree('traces')");
  const left = await rollupBytes();
  await pool.query("vacuum full rollup");
  const packed = await rollupBytes();
  const rows = await ask("select count(*) as n from rollup");
  const perTrace = traceBytes / calls;
  return [
    { id: "storage.trace_bytes", name: "a trace on disk", value: perTrace, unit: "bytes" },
    {
      id: "storage.rollup_bytes_per_trace",
      name: "its part of the rollup, with the room that merging left",
      value: left / counted,
      unit: "bytes",
      ratio: left / counted / perTrace,
      to: "the trace",
    },
    {
      id: "storage.rollup_packed_bytes_per_trace",
      name: "its part of the rollup, without that",
      value: packed / counted,
      unit: "bytes",
      ratio: packed / counted / perTrace,
      to: "the trace",
    },
    { id: "storage.rollup_bytes_per_row", name: "a rollup row", value: packed / rows, unit: "bytes" },
  ];
}
