/** What `scripts/citus.sql` says of tables. */
import { readFile } from "node:fs/promises";

const script = await readFile("scripts/citus.sql", "utf8");
const placed = (call: string): string[] =>
  [...script.matchAll(new RegExp(`place\\('(\\w+)', '${call}'`, "g"))].map(([, table]) => table!);

/** Spread by project. Beside them the script makes a table of its own, which no other Postgres has. */
export const DISTRIBUTED: readonly string[] = placed("by project").filter((name) => name !== "project_homes");

/** Whole on each node. */
export const REFERENCE: readonly string[] = placed("whole on each node");

/** On the node that clients connect to, alone. */
export const LOCAL: readonly string[] = placed("on the coordinator");
