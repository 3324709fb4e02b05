/** What a plan did: how it came to the rows of each table, and the most rows that one of its nodes handled. */
import type { PlanNode } from "./explaining.ts";

/** How a scan came to rows: the columns that bounded its search of indexes. None if it read the whole table. */
export interface Path {
  table: string;
  columns: readonly string[];
  /** How many it met, those included that it left out. */
  rows: number;
}

export interface Reading {
  paths: readonly Path[];
  most: number;
  /** The node that handled the most. */
  node: string;
}

const REMOVED = ["Rows Removed by Filter", "Rows Removed by Join Filter", "Rows Removed by Index Recheck"] as const;

/** Nodes that never ran are left out, and scans that met no row. */
export function readingOf(plan: PlanNode): Reading {
  const nodes = [...nodesOf(plan)].filter((node) => node["Actual Loops"] > 0);
  const largest = nodes.reduce((most, node) => (handled(node) > handled(most) ? node : most));
  const paths = nodes.flatMap((node): Path[] => {
    const table = node["Relation Name"]?.replace(/^traces_\d{4}_\d\d$/, "traces");
    const scans = node["Node Type"].endsWith("Scan");
    return table !== undefined && scans && rowsOf(node) > 0
      ? [{ table, columns: boundsOf(node), rows: rowsOf(node) }]
      : [];
  });
  const of = largest["Relation Name"] ?? largest["CTE Name"] ?? largest["Index Name"] ?? "";
  return { paths, most: handled(largest), node: `${largest["Node Type"]} ${of}`.trim() };
}

function* nodesOf(node: PlanNode): Generator<PlanNode> {
  yield node;
  for (const child of node.Plans ?? []) yield* nodesOf(child);
}

/** The rows that a node returned or compared in vain, in all its loops. Postgres gives their mean by loop. */
function rowsOf(node: PlanNode): number {
  const removed = REMOVED.reduce((sum, name) => sum + (node[name] ?? 0), 0);
  return Math.round((node["Actual Rows"] + removed) * node["Actual Loops"]);
}

const handled = (node: PlanNode): number => Math.max(rowsOf(node), node["Actual Loops"]);

function boundsOf(node: PlanNode): string[] {
  if (node["Node Type"].startsWith("Tid")) return ["ctid"];
  if (node["Node Type"] !== "Bitmap Heap Scan") return boundsIn(node);
  const [first = [], ...others] = [...nodesOf(node)]
    .filter((child) => child["Node Type"] === "Bitmap Index Scan")
    .map(boundsIn);
  return first.filter((column) => others.every((columns) => columns.includes(column)));
}

function boundsIn({ "Index Cond": condition = "" }: PlanNode): string[] {
  return [...condition.matchAll(/\((\w+) (?:=|<|>|<=|>=) /g)].map(([, column]) => column!);
}
