/** The plain table's calls in DuckDB, in a file: loaded from CSV, and added up by the same statements. */
import { join } from "node:path";
import { timed } from "../timing.ts";
import { COLUMN_NAMES, COLUMNS, type Peer, typedColumns } from "./peer.ts";
import { callsBetween, PERCENTILES, type Source } from "./statement.ts";

export async function openDuckdb(
  folder: string,
  csv: string,
  ends: AsyncDisposableStack,
  say: (line: string) => void,
): Promise<Peer> {
  // There is none for some machines, where the other parts run all the same.
  const { DuckDBInstance, version } = await import("@duckdb/node-api");
  say(`DuckDB ${version()}`);
  const instance = await DuckDBInstance.create(join(folder, "calls.duckdb"));
  ends.defer(() => instance.closeSync());
  const connection = await instance.connect();
  ends.defer(() => connection.closeSync());
  await connection.run("set TimeZone = 'UTC'");
  await connection.run(`create table calls (${typedColumns(1)}, primary key (id))`);
  const loadMs = await timed(() => connection.run(`copy calls from '${csv}' (format csv, header true)`));
  const [[loaded]] = (await connection.runAndReadAll("select count(*) from calls")).getRowsJson() as [[string]];

  const instant: Source["instant"] = (ms) => `'${new Date(ms).toISOString()}'::timestamptz`;
  const form = JSON.stringify([Object.fromEntries(COLUMN_NAMES.map((name) => [name, COLUMNS[name][1]]))]);
  const insert = `insert or ignore into calls select unnest(from_json($1::json, '${form}'), recursive := true)`;
  return {
    id: "duckdb_group_by",
    name: "DuckDB, table",
    error: 0,
    source: {
      instant,
      startOf: (interval, zone) =>
        `epoch(date_trunc('${interval}', started_at at time zone '${zone}') at time zone '${zone}')::bigint`,
      between: callsBetween("calls", instant),
      requests: "count(*)",
      latency: ["sum(duration_us)", `quantile_disc(duration_us, [${PERCENTILES.join(", ")}])`, "max(duration_us)"],
    },
    rows: async (statement) => (await connection.runAndReadAll(statement)).getRowsJson(),
    ms: (statement) => timed(() => connection.runAndReadAll(statement)),
    write: (batch) => connection.run(insert, [JSON.stringify(batch)]),
    loaded: Number(loaded) / (loadMs / 1_000),
  };
}
