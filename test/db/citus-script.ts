/** What `scripts/citus.sql` says of tables. */
import { readFile } from "node:fs/promises";

const script = await readFile("scripts/citus.sql", "utf8");
const placed = (call: string): string[] =>
  [...script.matchAll(new RegExp(`${call}\\('(\\w+)'`, "g"))].map(([, table]) => table!);

/** Spread by project. */
export const DISTRIBUTED: readonly string[] = placed("create_distributed_table");

/** Whole on each node. */
export const REFERENCE: readonly string[] = placed("create_reference_table");

/** On the node that clients connect to, alone. */
export const LOCAL: readonly string[] = placed("citus_add_local_table_to_metadata");
