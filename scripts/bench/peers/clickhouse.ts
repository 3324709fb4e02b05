/**
 * The plain table's calls in ClickHouse, which chDB runs in this process. Once in a table that replaces calls of the
 * same key, and is asked with FINAL; once in a table with a materialized view of hours, which each INSERT adds to.
 */
import { join } from "node:path";
import { timed } from "../timing.ts";
import { type Peer, type Row, typedColumns } from "./peer.ts";
import { callsBetween, hoursBetween, KEYS, PERCENTILES, type Source, SUMS } from "./statement.ts";

/** The part of chDB that is used: it is half a gigabyte, so it is no dependency, and its types are not there. */
interface Session {
  query(statement: string, format?: string): string;
  queryAsync(statement: string, options: { format: string }): Promise<{ text(): string }>;
  close(): void;
}
interface Chdb {
  Session: new (folder: string) => Session;
}

const CHDB: string = "chdb";
const TO_INSTALL = "npm install --no-save --ignore-scripts chdb@3.4.0";

/** Otherwise an acknowledged INSERT may be in the system's memory only. The same batch sent again is skipped. */
const STORED = "fsync_after_insert = 1, fsync_part_directory = 1, non_replicated_deduplication_window = 10000";
/** Ours and this are DDSketches of the same error. */
const ERROR = 0.01;
const SKETCH = `quantilesDD(${[ERROR, ...PERCENTILES].join(", ")})`;

/** None where chDB is not installed. */
export async function openClickhouse(
  folder: string,
  csv: string,
  ends: AsyncDisposableStack,
  say: (line: string) => void,
): Promise<Peer[]> {
  const chdb = await importChdb();
  if (chdb === undefined) {
    say(`ClickHouse is left out: to measure it, run ${TO_INSTALL} (550 MB)`);
    return [];
  }
  const session = new chdb.Session(join(folder, "clickhouse"));
  ends.defer(() => session.close());
  say(`ClickHouse ${session.query("select version()", "TSVRaw").trim()}`);
  session.query("create database peers");
  session.query(`
    create table peers.calls (${typedColumns(2)}) engine = ReplacingMergeTree
    partition by toYYYYMM(started_at) order by (started_at, id) settings ${STORED}`);
  session.query(`
    create table peers.viewed (${typedColumns(2)}) engine = MergeTree
    partition by toYYYYMM(started_at) order by (started_at, id) settings ${STORED}`);
  createHours(session);
  const load = async (table: string): Promise<number> => {
    const statement = `insert into peers.${table} select * from file('${csv}', 'CSVWithNames', '${typedColumns(2).replaceAll("'", "\\'")}')`;
    const ms = await timed(() => session.queryAsync(statement, { format: "Null" }));
    session.query(`optimize table peers.${table} final`);
    return Number(session.query(`select count() from peers.${table}`, "TSVRaw")) / (ms / 1_000);
  };
  const [loaded, loadedWithView] = [await load("calls"), await load("viewed")];
  session.query("optimize table peers.hours final");
  return [
    {
      id: "clickhouse_table",
      name: "ClickHouse, table FINAL",
      source: {
        instant,
        startOf,
        between: callsBetween("peers.calls final", instant),
        requests: "count()",
        latency: ["sum(duration_us)", `${SKETCH}(duration_us)`, "max(duration_us)"],
      },
      ...how(session),
      write: (batch) => insert(session, "calls", batch),
      loaded,
    },
    {
      id: "clickhouse_view",
      name: "ClickHouse, view of hours",
      source: {
        instant,
        startOf,
        between: hoursBetween("peers.hours", "peers.viewed", instant),
        requests: "sum(requests)",
        latency: ["sum(duration_us)", `${SKETCH.replace("DD", "DDMerge")}(sketch)`, "max(longest_us)"],
      },
      ...how(session),
      write: (batch) => insert(session, "viewed", batch),
      loaded: loadedWithView,
    },
  ];
}

async function importChdb(): Promise<Chdb | undefined> {
  try {
    return (await import(CHDB)) as Chdb;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ERR_MODULE_NOT_FOUND") return undefined;
    throw error;
  }
}

function createHours(session: Session): void {
  const typeOf = {
    input_tokens: "Int64",
    output_tokens: "Int64",
    cache_read_tokens: "Int64",
    cost_usd: "Decimal(38, 12)",
  };
  session.query(`
    create table peers.hours (started_at DateTime('UTC'), ${KEYS.map((key) => `${key} LowCardinality(String)`).join(", ")},
      requests SimpleAggregateFunction(sum, UInt64),
      ${SUMS.map((name) => `${name} SimpleAggregateFunction(sum, ${typeOf[name]})`).join(", ")},
      duration_us SimpleAggregateFunction(sum, Int64), longest_us SimpleAggregateFunction(max, Int64),
      sketch AggregateFunction(${SKETCH}, Int64))
    engine = AggregatingMergeTree order by (started_at, ${KEYS.join(", ")}) settings ${STORED}`);
  // An alias must not be the name of a column that is summed: it would be put in its place.
  session.query(`
    create materialized view peers.to_hours to peers.hours as
    select toStartOfHour(c.started_at) as started_at, ${KEYS.join(", ")}, count() as requests,
      ${[...SUMS, "duration_us"].map((name) => `sum(c.${name}) as ${name}`).join(", ")},
      max(c.duration_us) as longest_us, ${SKETCH.replace("DD", "DDState")}(c.duration_us) as sketch
    from peers.viewed as c group by toStartOfHour(c.started_at), ${KEYS.join(", ")}`);
}

const instant: Source["instant"] = (ms) => `fromUnixTimestamp64Milli(${ms}, 'UTC')`;

const startOf: Source["startOf"] = (interval, zone) =>
  `toUnixTimestamp(${interval === "hour" ? "toStartOfHour" : "toStartOfDay"}(started_at, '${zone}'))`;

function how(session: Session): Pick<Peer, "rows" | "ms" | "error"> {
  // A JSON number would lose digits.
  const quoted = "output_format_json_quote_64bit_integers = 1, output_format_json_quote_decimals = 1";
  // Both tables have the same call in the same month, always.
  const told = (statement: string): string =>
    `${statement} settings ${quoted}, do_not_merge_across_partitions_select_final = 1`;
  const ask = async (statement: string): Promise<string> =>
    (await session.queryAsync(told(statement), { format: "JSONCompactEachRow" })).text();
  return {
    error: ERROR,
    rows: async (statement) =>
      (await ask(statement))
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => JSON.parse(line) as unknown[]),
    ms: (statement) => timed(() => ask(statement)),
  };
}

async function insert(session: Session, table: string, batch: readonly Row[]): Promise<void> {
  const settings = "deduplicate_blocks_in_dependent_materialized_views = 1, date_time_input_format = 'best_effort'";
  const rows = batch.map((row) => JSON.stringify(row)).join("\n");
  const statement = `insert into peers.${table} settings ${settings} format JSONEachRow\n${rows}`;
  await session.queryAsync(statement, { format: "Null" });
}
