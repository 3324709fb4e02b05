/** The report as text for a terminal: findings first, then the numbers behind them. */
import { durationText, shareText, sizeText } from "../../src/insight/finding.ts";
import type { DatabaseReport } from "../../src/insight/report.ts";

const SHOWN = 10;
const QUERY_CHARS = 100;

export function reportText(report: DatabaseReport): string {
  return [
    ...overview(report),
    ...section("Findings", findings(report)),
    ...section("Slow statements", statements(report)),
    ...section("Tables", tables(report)),
    ...section("Largest partitions", partitions(report)),
    ...section("Indexes", indexes(report)),
    ...section("Waiting for locks", lockWaits(report)),
    ...section("Open transactions", transactions(report)),
    ...section(
      "Not read",
      report.unread.map(({ what, reason }) => `${what}: ${reason}`),
    ),
  ].join("\n");
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ["", `${title}:`, ...lines.map((line) => `  ${line}`)];
}

function overview({ server, size_bytes: bytes, growth, connections, cache, deadlocks }: DatabaseReport): string[] {
  const used = Object.entries(connections.by_state).map(([state, count]) => `${count} ${state}`);
  const { bytes_a_day: rate, disk_share: share, disk_full_at: fullAt } = growth;
  const ratio = (value: number | null): string => (value === null ? "unknown" : shareText(value));
  return [
    `Postgres ${server?.version ?? "of unknown version"}, ${sizeText(bytes)}${rate === null ? "" : `, ${sizeText(rate)} a day`}`,
    ...(share === null
      ? []
      : [
          `The database has ${shareText(share)} of the disk${fullAt === null ? "." : `, which is full on ${fullAt.slice(0, 10)}.`}`,
        ]),
    `Connections: ${used.join(", ")} of ${connections.max}. Deadlocks: ${deadlocks}.`,
    `From the cache: ${ratio(cache.hit_ratio)} of all blocks, ${ratio(cache.index_hit_ratio)} of indexes.`,
  ];
}

function findings(report: DatabaseReport): string[] {
  if (report.findings.length === 0) return ["nothing is wrong"];
  return report.findings.map(
    ({ severity, code, subject, advice }) => `${severity} ${code}${subject === null ? "" : ` (${subject})`}: ${advice}`,
  );
}

function statements({ statements: rows }: DatabaseReport): string[] {
  return (rows ?? [])
    .slice(0, SHOWN)
    .map(
      ({ share, calls, mean_ms: mean, query }) =>
        `${shareText(share).padStart(6)}  ${String(calls).padStart(8)} calls  ${mean.toFixed(2).padStart(10)} ms  ${query.slice(0, QUERY_CHARS)}`,
    );
}

function tables({ tables: rows }: DatabaseReport): string[] {
  return rows.slice(0, SHOWN).map((table) => {
    const parts = table.partitions > 0 ? `, ${table.partitions} partitions` : "";
    const growth = table.bytes_a_day === null ? "" : `, ${sizeText(table.bytes_a_day)} a day`;
    const estimated = table.estimated ? ", estimated" : "";
    return `${sizeText(table.total_bytes).padStart(10)}  ${table.name}: ${table.rows} rows, ${table.dead_rows} dead; rows ${sizeText(table.heap_bytes)}, indexes ${sizeText(table.index_bytes)}, TOAST ${sizeText(table.toast_bytes)}${parts}${growth}${estimated}`;
  });
}

function partitions({ partitions: rows }: DatabaseReport): string[] {
  return rows
    .filter(({ rows: count }) => count > 0)
    .map(({ name, total_bytes: bytes, rows: count }) => `${sizeText(bytes).padStart(10)}  ${name}: ${count} rows`);
}

function indexes({ indexes: rows }: DatabaseReport): string[] {
  return rows
    .slice(0, SHOWN)
    .map(({ name, table, bytes, scans }) => `${sizeText(bytes).padStart(10)}  ${name} of ${table}: ${scans} scans`);
}

function lockWaits({ lock_waits: rows }: DatabaseReport): string[] {
  return rows.map(
    ({ pid, waiting_seconds: waited, lock, relation, blockers, query }) =>
      `session ${pid} for ${durationText(waited)}, ${lock} on ${relation ?? "no table"}, behind ${blockers.map((one) => one.pid).join(", ") || "nobody shown"}: ${query.slice(0, QUERY_CHARS)}`,
  );
}

function transactions({ transactions: rows }: DatabaseReport): string[] {
  return rows.map(
    ({ pid, state, transaction_seconds: open, query }) =>
      `session ${pid} for ${durationText(open ?? 0)}, ${state ?? "state hidden"}: ${query.slice(0, QUERY_CHARS)}`,
  );
}
