/**
 * What Citus refuses in a statement, or does wrong, as far as its text tells: read off the tree that Postgres' own parser
 * makes.
 */
import { type Node, parse } from "libpg-query";

/** Functions and operators of time that give another value at another time, or in another zone. */
const CHANGING = new Set(["now", "clock_timestamp", "statement_timestamp", "random", "gen_random_uuid"]);
/** They tell of the empty table in front of the shards. */
const SIZES = new Set(["pg_relation_size", "pg_table_size", "pg_indexes_size", "pg_total_relation_size"]);
/** They change the schema, which only the node that the client is connected to may do. */
const SCHEMA_CHANGES = new Set(["create_trace_partitions", "drop_trace_partition"]);

/**
 * @param routable whether each reference is restricted to one project.
 * @param distributed the distributed tables.
 * @returns a sentence for each rule that the statement breaks.
 */
export async function brokenRules(text: string, routable: boolean, distributed: readonly string[]): Promise<string[]> {
  const { stmts = [] } = await parse(text);
  const broken = new Set<string>();
  for (const { node, path } of nodesIn(stmts, [])) {
    const has = (kind: string): boolean => path.includes(kind);
    if ("FuncCall" in node) {
      const name = nameOf(node.FuncCall.funcname);
      const isGuarded = has("CaseExpr") || has("CoalesceExpr");
      if (CHANGING.has(name) && isGuarded && (has("UpdateStmt") || has("InsertStmt"))) {
        broken.add(`${name}() in CASE or COALESCE of a change`);
      }
      const named = JSON.stringify(node.FuncCall.args ?? []);
      if (SIZES.has(name) && distributed.some((table) => named.includes(`"${table}"`))) {
        broken.add(`${name}() of a distributed table`);
      }
      if (SCHEMA_CHANGES.has(name) && JSON.stringify(stmts).includes('"fromClause"')) {
        broken.add(`${name}() selected FROM a table`);
      }
    }
    if (!("SelectStmt" in node)) {
      if (!routable && "ColumnRef" in node && nameOf(node.ColumnRef.fields) === "ctid") broken.add("ctid for all");
      continue;
    }
    const { targetList, valuesLists, larg, lockingClause, withClause } = node.SelectStmt;
    if (!targetList && !valuesLists && !larg) broken.add("an empty target list");
    if (!routable && lockingClause) broken.add("rows locked for all");
    if (!routable && withClause?.recursive) broken.add("a recursion over all");
  }
  return [...broken];
}

/**
 * The names of a statement's CTEs that read distributed tables. If the statement also writes, Citus reads each of them in
 * a snapshot of its own.
 */
export async function readingCtes(text: string, distributed: readonly string[]): Promise<string[]> {
  const { stmts = [] } = await parse(text);
  const [{ stmt } = {}] = stmts;
  const ctes = stmt && "SelectStmt" in stmt ? (stmt.SelectStmt.withClause?.ctes ?? []) : [];
  return ctes.flatMap((cte) => {
    if (!("CommonTableExpr" in cte)) return [];
    const { ctename, ctequery } = cte.CommonTableExpr;
    const reads = [...nodesIn(ctequery, [])].some(
      ({ node, path }) =>
        "RangeVar" in node && !path.includes("InsertStmt") && distributed.includes(node.RangeVar.relname ?? ""),
    );
    return reads ? [ctename ?? ""] : [];
  });
}

/** Each node below, with the kinds and members that it is in. */
function* nodesIn(tree: unknown, path: readonly string[]): Generator<{ node: Node; path: readonly string[] }> {
  if (typeof tree !== "object" || tree === null) return;
  if (!Array.isArray(tree)) yield { node: tree as Node, path };
  for (const [key, value] of Object.entries(tree)) yield* nodesIn(value, [...path, key]);
}

function nameOf(names: readonly Node[] | undefined): string {
  const last = names?.at(-1);
  return last && "String" in last ? (last.String.sval ?? "") : "";
}
