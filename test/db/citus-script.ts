/** What `scripts/citus.sql` says of tables. */
import { readFile } from "node:fs/promises";

const script = await readFile("scripts/citus.sql", "utf8");
const placed = (call: string): string[] =>
  [...script.matchAll(new RegExp(`place\\('(\\w+)', '${call}'`, "g"))].map(([, table]) => table!);

/** Spread by project. */
export const DISTRIBUTED: readonly string[] = placed("by project");

/** Whole on each node. */
export const REFERENCE: readonly string[] = placed("whole on each node");

/** On the node that clients connect to, alone. */
export const LOCAL: readonly string[] = placed("on the coordinator");
