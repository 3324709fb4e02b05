/** What is wrong with tables: dead rows, missing statistics, autovacuum that is off, and scans without an index. */
import type { Finding } from "./finding.ts";
import { shareText } from "./finding.ts";
import type { Partition, Table } from "./tables.ts";

/** Fewer are vacuumed in no time. */
const MANY_DEAD = 10_000;
const DEAD_SHARE = 0.2;
/** Autovacuum is behind once there are so many times more dead rows than it begins at. */
const BEHIND = 2;
const MANY_ROWS = 10_000;
const LARGE_TABLE_ROWS = 100_000;
const MANY_SCANS = 100;
/** A scan of fewer rows is as good as an index. */
const LONG_SCAN_ROWS = 50_000;

export function judgePartitions(partitions: readonly Partition[]): Finding[] {
  return partitions.flatMap((partition): Finding[] => {
    const { name, rows, dead_rows: dead, vacuums_at: begins } = partition;
    const found: Finding[] = [];
    const warn = (code: string, advice: string): unknown =>
      found.push({ severity: "warning", code, subject: name, advice });
    if (dead >= MANY_DEAD && dead >= begins * BEHIND && dead >= DEAD_SHARE * (rows + dead)) {
      warn(
        "dead_rows",
        `${dead} of ${rows + dead} rows are dead (${shareText(dead / (rows + dead))}), and autovacuum should have begun at ${Math.round(begins)}. First end old transactions (see transactions), because they keep dead rows alive. Then run VACUUM (ANALYZE) ${name}. If it comes back, run ALTER TABLE ${name} SET (autovacuum_vacuum_scale_factor = 0.02).`,
      );
    }
    if (!partition.analyzed && rows >= MANY_ROWS) {
      warn(
        "never_analyzed",
        `Postgres has no statistics of its ${rows} rows, so it plans blindly. If they came within the last minutes, autovacuum will see to it. Otherwise run ANALYZE ${name}, and check that autovacuum runs.`,
      );
    }
    if (!partition.autovacuum) {
      warn(
        "autovacuum_disabled",
        `Autovacuum leaves this table out. Run ALTER TABLE ${name} RESET (autovacuum_enabled).`,
      );
    }
    return found;
  });
}

export function judgeTables(tables: readonly Table[]): Finding[] {
  return tables.flatMap((table): Finding[] => {
    const { name, rows, sequential_scans: scans, sequential_rows: read, index_scans: byIndex } = table;
    if (rows < LARGE_TABLE_ROWS || scans < MANY_SCANS || read / scans < LONG_SCAN_ROWS || byIndex > scans * 10)
      return [];
    return [
      {
        severity: "warning",
        code: "sequential_scans",
        subject: name,
        advice: `${scans} scans read the table from end to end, ${Math.round(read / scans)} rows each; ${byIndex} used an index. Look in statements for the one that takes long, and at its plan with npm run db:explain. If the plan should use an index, run ANALYZE ${name} and check random_page_cost.`,
      },
    ];
  });
}
