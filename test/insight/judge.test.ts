/** Each rule: what it finds, from when on, and that its advice names what to do. */
import { describe, expect, it } from "vitest";
import type { Finding } from "../../src/insight/finding.ts";
import { bySeverity, durationText, sizeText } from "../../src/insight/finding.ts";
import type { DatabaseGauges } from "../../src/insight/gauges.ts";
import { judgeIndexes } from "../../src/insight/indexes.ts";
import { judgeGauges } from "../../src/insight/judge-gauges.ts";
import { judgePartitions, judgeTables } from "../../src/insight/judge-tables.ts";
import { judgeServer } from "../../src/insight/server.ts";
import { judgeLockWaits, judgeTransactions } from "../../src/insight/sessions.ts";
import { judgeSettings, type Setting } from "../../src/insight/settings.ts";
import { judgeStatements } from "../../src/insight/statements.ts";
import { type Partition, tablesOf } from "../../src/insight/tables.ts";

const DAY = 86_400;
const GB = 2 ** 30;
const short = (findings: readonly Finding[]) => findings.map(({ severity, code }) => `${severity} ${code}`);

const GAUGES: DatabaseGauges = {
  connections: { active: 10, idle: 20 },
  maxConnections: 100,
  waitingLocks: 0,
  deadlocks: 0,
  cacheHitRatio: 0.99,
  indexHitRatio: 0.99,
  sizeBytes: 10 * GB,
  longestTransactionSeconds: 0,
};

it.each<[Partial<DatabaseGauges>, string[]]>([
  [{}, []],
  [{ connections: { active: 79 } }, []],
  [{ connections: { active: 50, idle: 30 } }, ["warning connections_run_out"]],
  [{ connections: { hidden: 95 } }, ["critical connections_run_out"]],
  [{ cacheHitRatio: 0.9, indexHitRatio: 0.9 }, ["warning cache_hit_ratio", "warning index_hit_ratio"]],
  [{ cacheHitRatio: 0.9, indexHitRatio: null, sizeBytes: GB - 1 }, []],
])("gauges %j", (gauges, found) => {
  expect(short(judgeGauges({ ...GAUGES, ...gauges }))).toEqual(found);
});

describe("tables", () => {
  const PARTITION: Partition = {
    name: "traces_2026_11",
    table: "traces",
    total_bytes: 6,
    heap_bytes: 1,
    index_bytes: 2,
    toast_bytes: 3,
    estimated: false,
    rows: 100_000,
    dead_rows: 0,
    rows_since_analyze: 0,
    sequential_scans: 0,
    sequential_rows: 0,
    index_scans: 0,
    last_vacuum: null,
    last_analyze: null,
    analyzed: true,
    vacuums_at: 20_050,
    autovacuum: true,
  };

  it.each<[Partial<Partition>, string[]]>([
    [{}, []],
    [{ dead_rows: 40_099 }, []],
    [{ dead_rows: 40_100 }, ["warning dead_rows"]],
    // 300,000 of 2,000,000 are what a large table may have; 9,000 of 9,010 go in no time.
    [{ dead_rows: 300_000, rows: 1_700_000, vacuums_at: 50 }, []],
    [{ dead_rows: 9_000, rows: 10, vacuums_at: 50 }, []],
    [{ analyzed: false }, ["warning never_analyzed"]],
    [{ analyzed: false, rows: 9_999 }, []],
    [{ autovacuum: false }, ["warning autovacuum_disabled"]],
  ])("with %j", (partition, found) => {
    expect(short(judgePartitions([{ ...PARTITION, ...partition }]))).toEqual(found);
  });

  it.each<[Partial<Partition>, string[]]>([
    [{ sequential_scans: 100, sequential_rows: 5_000_000 }, ["warning sequential_scans"]],
    [{ sequential_scans: 99, sequential_rows: 5_000_000 }, []],
    [{ sequential_scans: 100, sequential_rows: 4_999_999 }, []],
    [{ sequential_scans: 100, sequential_rows: 5_000_000, rows: 99_999 }, []],
    [{ sequential_scans: 100, sequential_rows: 5_000_000, index_scans: 1_001 }, []],
  ])("scanned with %j", (partition, found) => {
    expect(short(judgeTables(tablesOf([{ ...PARTITION, ...partition }], new Map())))).toEqual(found);
  });

  it("sum their partitions up, the largest table first", () => {
    const at = "2026-11-01T00:00:00.000Z";
    const tables = tablesOf(
      [
        { ...PARTITION, name: "spans", table: "spans", total_bytes: 7 },
        PARTITION,
        { ...PARTITION, name: "traces_2026_12", dead_rows: 5, last_vacuum: at, estimated: true },
      ],
      new Map([["traces", 9]]),
    );
    expect(tables).toMatchObject([
      // 6 + 6 bytes, 1 + 1 of them of rows, 2 + 2 of indexes, 3 + 3 of TOAST.
      { name: "traces", total_bytes: 12, heap_bytes: 2, index_bytes: 4, toast_bytes: 6, rows: 200_000, dead_rows: 5 },
      { name: "spans", total_bytes: 7, partitions: 0, bytes_a_day: null, last_vacuum: null, estimated: false },
    ]);
    expect(tables[0]).toMatchObject({ partitions: 2, bytes_a_day: 9, last_vacuum: at, estimated: true });
  });
});

describe("indexes", () => {
  const INDEX = { name: "i", table: "t", bytes: 2e7, scans: 0, unique: false, valid: true, partitions: 0 };

  it.each<[Partial<typeof INDEX>, number, string[]]>([
    [{}, 8 * DAY, ["warning unused_index"]],
    [{}, 6 * DAY, ["info unused_index"]],
    [{ scans: 1 }, 8 * DAY, []],
    [{ bytes: 1e6 }, 8 * DAY, []],
    [{ unique: true }, 8 * DAY, []],
    [{ valid: false, unique: true, bytes: 0 }, 0, ["warning invalid_index"]],
  ])("%j after %d s", (index, observed, found) => {
    expect(short(judgeIndexes([{ ...INDEX, ...index }], observed))).toEqual(found);
  });
});

describe("sessions", () => {
  const SESSION = { role: "r", application: "", query: "" };
  const holder = { ...SESSION, pid: 7, state: "idle in transaction", transaction_seconds: 340, state_seconds: 300 };
  const WAIT = { ...SESSION, pid: 8, state: "active", transaction_seconds: 2, state_seconds: 2 };
  const lock = { relation: "rollup", lock: "relation AccessShareLock" };

  it("that wait name whom they wait for, and how to end that", () => {
    const wait = { ...WAIT, ...lock, waiting_seconds: 12, blockers: [holder, { ...holder, pid: 9, state: null }] };
    expect(judgeLockWaits([wait])).toEqual([
      {
        severity: "warning",
        code: "lock_wait",
        subject: "session 8",
        advice:
          "It has waited 12 s for a lock (relation AccessShareLock on rollup) behind session 7 (idle in transaction, transaction open for 6 min) and session 9 (state hidden, transaction open for 6 min). If that does not end by itself, run SELECT pg_terminate_backend(7); SELECT pg_terminate_backend(9).",
      },
    ]);
    expect(judgeLockWaits([{ ...wait, waiting_seconds: 0.9 }])).toEqual([]);
    expect(short(judgeLockWaits([{ ...wait, waiting_seconds: 30 }]))).toEqual(["critical lock_wait"]);
    const [unknown] = judgeLockWaits([{ ...wait, relation: null, blockers: [] }]);
    expect(unknown!.advice).toContain("pg_prepared_xacts");
  });

  it.each<[string | null, number, number, string[]]>([
    ["idle in transaction", 59, 59, []],
    ["idle in transaction", 60, 60, ["warning idle_in_transaction"]],
    ["idle in transaction (aborted)", 3_600, 3_600, ["critical idle_in_transaction"]],
    ["active", 299, 0, []],
    ["active", 300, 0, ["warning long_transaction"]],
    ["active", 3_600, 0, ["critical long_transaction"]],
    [null, 3_600, 3_600, ["critical long_transaction"]],
  ])("%s, open for %d s", (state, open, since, found) => {
    const one = { ...WAIT, state, transaction_seconds: open, state_seconds: since, waits_for_lock: false };
    const findings = judgeTransactions([one]);
    expect(short(findings)).toEqual(found);
    for (const { advice } of findings) expect(advice).toContain("pg_terminate_backend(8)");
  });
});

describe("settings", () => {
  it.each<[string, string, string | null, string[]]>([
    ["jit", "on", null, ["warning setting_jit"]],
    ["jit", "off", null, []],
    ["random_page_cost", "4", null, ["warning setting_random_page_cost"]],
    ["random_page_cost", "1.1", null, []],
    ["work_mem", "4095", "kB", ["warning setting_work_mem"]],
    ["work_mem", "4096", "kB", []],
    ["shared_buffers", "16383", "8kB", ["info setting_shared_buffers"]],
    ["shared_buffers", "16384", "8kB", []],
    ["statement_timeout", "0", "ms", ["warning setting_statement_timeout"]],
    ["statement_timeout", "30000", "ms", []],
    ["idle_in_transaction_session_timeout", "0", "ms", ["info setting_idle_in_transaction_session_timeout"]],
    ["synchronous_commit", "off", null, ["critical setting_synchronous_commit"]],
    ["synchronous_commit", "local", null, []],
    ["fsync", "off", null, ["critical setting_fsync"]],
    ["full_page_writes", "off", null, ["critical setting_full_page_writes"]],
    ["autovacuum", "off", null, ["critical setting_autovacuum"]],
    ["track_counts", "off", null, ["warning setting_track_counts"]],
    ["plan_cache_mode", "force_generic_plan", null, ["info setting_plan_cache_mode"]],
    ["wal_level", "replica", null, []],
  ])("%s = %s %s", (name, value, unit, found) => {
    const setting: Setting = { name, value, unit, source: "default" };
    expect(short(judgeSettings([setting], 3 * GB))).toEqual(found);
  });
});

describe("statements", () => {
  const STATEMENT = { id: "1", query: "select a", max_ms: 900, total_ms: 1_000, rows: 1, cache_hit_ratio: 1 };

  it.each<[number, number, number, string[]]>([
    [10, 99, 0.1, []],
    [10, 100, 0.1, ["info slow_statement"]],
    [10, 300, 0.1, ["warning slow_statement"]],
    [9, 300, 0.9, []],
    [10, 1, 0.5, ["info dominant_statement"]],
  ])("%d calls of %d ms, %d of all", (calls, mean_ms, share, found) => {
    expect(short(judgeStatements([{ ...STATEMENT, calls, mean_ms, share }]))).toEqual(found);
  });

  it("that are unknown are a finding", () => {
    expect(short(judgeStatements(null))).toEqual(["info no_statement_statistics"]);
  });
});

it("the server", () => {
  const server = {
    version: "18.4",
    role: "r",
    started_at: null,
    statistics_since: null,
    replica: false,
    distributed: false,
    transaction_id_age: 599_999_999,
    temporary_bytes: 0,
    checksum_failures: 0,
  };
  expect(judgeServer(server)).toEqual([]);
  expect(short(judgeServer({ ...server, transaction_id_age: 700_000_000, distributed: true }))).toEqual([
    "warning transaction_ids_old",
    "info distributed",
  ]);
  const bad = { ...server, transaction_id_age: 2_000_000_000, checksum_failures: 1, temporary_bytes: 11 * GB };
  expect(short(judgeServer(bad))).toEqual([
    "critical checksum_failures",
    "critical transaction_ids_old",
    "info temporary_files",
  ]);
});

it("orders findings by urgency, and keeps their order otherwise", () => {
  const of = (severity: Finding["severity"], code: string): Finding => ({ severity, code, subject: null, advice: "" });
  const findings = [of("info", "a"), of("critical", "b"), of("warning", "c"), of("critical", "d")];
  expect(bySeverity(findings).map(({ code }) => code)).toEqual(["b", "d", "c", "a"]);
});

it("writes sizes and durations for people", () => {
  expect([0, 1_023, 1_536, 200 * 2 ** 20, -2 * GB, 2 ** 60].map(sizeText)).toEqual([
    "0 bytes",
    "1023 bytes",
    "1.5 kB",
    "200 MB",
    "-2.0 GB",
    "1024 PB",
  ]);
  expect([1.4, 119, 120, 7_199, 7_200, 2 * DAY].map(durationText)).toEqual([
    "1 s",
    "119 s",
    "2 min",
    "120 min",
    "2 h",
    "2 days",
  ]);
});
