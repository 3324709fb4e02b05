/**
 * Which shard a statement goes to, told from its text and values: for each reference to a distributed table, the value
 * that its `project_id` is restricted to, read off the tree that Postgres' own parser makes.
 *
 * A reference is restricted where a condition that holds for each of its rows (a part of WHERE, or of the ON of a join
 * that keeps only what matches) equates its `project_id` with a parameter, a constant, or another `project_id` that is
 * restricted by this same rule; a target of INSERT, where the row's `project_id` comes from such a one. Any other form
 * of condition counts for nothing, so it may be found wanting a restriction that it has, not the other way round.
 *
 * Citus asks for a little more than that: it looks at what Postgres' planner makes of a restriction, which follows
 * equalities into sub-selects and CTEs only where these are dissolved into the query around them. So for reading, for
 * UPDATE and for DELETE, equalities count only as far as those.
 */
import { type Node, parse, type RangeVar, type SelectStmt, type WithClause } from "libpg-query";

export interface Reference {
  table: string;
  use: "read" | "insert" | "update" | "delete";
  /** What its `project_id` is restricted to; undefined where it is not. */
  project: string | undefined;
}

/** The distributed tables, and their columns. */
export type Tables = ReadonlyMap<string, readonly string[]>;

const KEY = "project_id";

/** All references to distributed tables in a statement, at any depth. */
export async function referencesOf(text: string, values: readonly unknown[], tables: Tables): Promise<Reference[]> {
  const { stmts = [] } = await parse(text);
  const analysis = new Analysis(values, tables, namesIn(stmts));
  for (const { stmt } of stmts) analysis.query(stmt!, null);
  return analysis.found.map(({ project, ...rest }) => ({ ...rest, project: project() }));
}

/** What a look-up has passed already, and whether it may look into what the planner does not dissolve. */
interface Search {
  seen: ReadonlySet<string>;
  anywhere: boolean;
}

type Value = (search: Search) => string | undefined;

interface Column {
  name: string;
  value: Value;
}

/** What a name in FROM stands for. */
interface Source {
  /** Null where they are not known. */
  columns: readonly Column[] | null;
}

interface Equality {
  sides: readonly [Node, Node];
  /** The names whose rows it restricts; null for all of its level. */
  restricts: ReadonlySet<string> | null;
}

interface Cte {
  columns: readonly Column[];
  dissolved: boolean;
}

/** One query, with the queries around it. */
class Level {
  readonly sources = new Map<string, Source>();
  readonly equalities: Equality[] = [];
  readonly ctes = new Map<string, Cte>();
  readonly outer: Level | null;
  readonly number: number;

  constructor(outer: Level | null, number: number) {
    this.outer = outer;
    this.number = number;
  }

  cte(name: string): Cte | undefined {
    return this.ctes.get(name) ?? this.outer?.cte(name);
  }
}

class Analysis {
  readonly found: (Omit<Reference, "project"> & { project: () => string | undefined })[] = [];
  readonly #values: readonly unknown[];
  readonly #tables: Tables;
  /** How often each relation is named, over the whole statement. */
  readonly #names: ReadonlyMap<string, number>;
  #levels = 0;

  constructor(values: readonly unknown[], tables: Tables, names: ReadonlyMap<string, number>) {
    this.#values = values;
    this.#tables = tables;
    this.#names = names;
  }

  /** Looks through a query. Returns its columns. */
  query(node: Node, outer: Level | null): Column[] {
    if ("SelectStmt" in node) return this.#select(node.SelectStmt, outer);
    const level = this.#level(outer);
    if ("InsertStmt" in node) {
      const { relation, cols = [], selectStmt, onConflictClause, returningClause, withClause } = node.InsertStmt;
      this.#with(withClause, level);
      const given = selectStmt ? this.query(selectStmt, level) : [];
      const at = cols.findIndex(isKey);
      const moves = setsKey(onConflictClause?.targetList);
      const key: Value = (search) => (moves ? undefined : given[at]?.value({ ...search, anywhere: true }));
      this.#target(relation!, "insert", level, key);
      this.#subqueries([onConflictClause, returningClause], level);
      return this.#columns(returningClause?.exprs, level);
    }
    if ("UpdateStmt" in node) {
      const { relation, targetList, whereClause, fromClause, returningClause, withClause } = node.UpdateStmt;
      this.#with(withClause, level);
      this.#target(relation!, "update", level, setsKey(targetList) ? () => undefined : undefined);
      this.#from(fromClause, whereClause, level);
      this.#subqueries([targetList, returningClause], level);
      return this.#columns(returningClause?.exprs, level);
    }
    if ("DeleteStmt" in node) {
      const { relation, whereClause, usingClause, returningClause, withClause } = node.DeleteStmt;
      this.#with(withClause, level);
      this.#target(relation!, "delete", level);
      this.#from(usingClause, whereClause, level);
      this.#subqueries([returningClause], level);
      return this.#columns(returningClause?.exprs, level);
    }
    // The wall's, which sets something.
    if ("DoStmt" in node) return this.#columns(undefined, level);
    throw new Error(`a statement of another kind: ${Object.keys(node).join()}`);
  }

  #select(select: SelectStmt, outer: Level | null): Column[] {
    const level = this.#level(outer);
    this.#with(select.withClause, level);
    if (select.larg && select.rarg) {
      const [left, right] = [this.#select(select.larg, level), this.#select(select.rarg, level)];
      return left.map(({ name }, i) => ({ name, value: agreed([left[i]!.value, right[i]?.value]) }));
    }
    if (select.valuesLists) {
      const rows = select.valuesLists.map((row) => ("List" in row ? (row.List.items ?? []) : []));
      this.#subqueries(rows, level);
      return rows[0]!.map((_, i) => ({
        name: `column${i + 1}`,
        value: agreed(rows.map((row) => this.#valueOf(row[i]!, level))),
      }));
    }
    this.#from(select.fromClause, select.whereClause, level);
    const { targetList, groupClause, havingClause, sortClause, limitCount, limitOffset, distinctClause } = select;
    this.#subqueries([targetList, groupClause, havingClause, sortClause, limitCount, limitOffset], level);
    const columns = this.#columns(targetList, level);
    // A query that does more than to select rows is planned by itself.
    if ([groupClause, havingClause, sortClause, limitCount, limitOffset, distinctClause].every((clause) => !clause)) {
      return columns;
    }
    return columns.map(onlyAnywhere);
  }

  #level(outer: Level | null): Level {
    return new Level(outer, this.#levels++);
  }

  #with(clause: WithClause | undefined, level: Level): void {
    for (const cte of clause?.ctes ?? []) {
      if (!("CommonTableExpr" in cte)) continue;
      const { ctename, aliascolnames, ctematerialized, ctequery } = cte.CommonTableExpr;
      // While it is looked through, it stands for itself: a recursive one restricts nothing.
      if (clause!.recursive) level.ctes.set(ctename!, { columns: [], dissolved: false });
      const columns = renamed(this.query(ctequery!, level), aliascolnames);
      const dissolved =
        !clause!.recursive &&
        ctematerialized === "CTEMaterializeDefault" &&
        "SelectStmt" in ctequery! &&
        this.#names.get(ctename!) === 1;
      level.ctes.set(ctename!, { columns, dissolved });
    }
  }

  /** @param key where the new row's `project_id` comes from; without it, conditions tell. */
  #target(relation: RangeVar, use: Reference["use"], level: Level, key?: Value): void {
    const table = relation.relname!;
    const columns = this.#tables.get(table);
    const name = relation.alias?.aliasname ?? table;
    const value = (column: string): Value => (key && column === KEY ? key : this.#restriction(level, name, column));
    level.sources.set(name, { columns: columns?.map((column) => ({ name: column, value: value(column) })) ?? null });
    if (!columns) return;
    this.found.push({ table, use, project: () => value(KEY)({ seen: new Set(), anywhere: false }) });
  }

  #from(items: readonly Node[] | undefined, where: Node | undefined, level: Level): void {
    for (const item of items ?? []) this.#item(item, level);
    if (!where) return;
    this.#conditions(where, null, level);
    this.#subqueries([where], level);
  }

  /** Returns the names that it adds to the level. */
  #item(item: Node, level: Level): string[] {
    if ("RangeVar" in item) {
      const { relname = "", alias } = item.RangeVar;
      const name = alias?.aliasname ?? relname;
      const cte = level.cte(relname);
      if (!cte) this.#target(item.RangeVar, "read", level);
      else {
        const columns = renamed(cte.columns, alias?.colnames);
        level.sources.set(name, { columns: cte.dissolved ? columns : columns.map(onlyAnywhere) });
      }
      return [name];
    }
    if ("RangeSubselect" in item) {
      const { subquery, alias } = item.RangeSubselect;
      const name = alias?.aliasname ?? `unnamed ${this.#levels}`;
      level.sources.set(name, { columns: renamed(this.query(subquery!, level), alias?.colnames) });
      return [name];
    }
    if ("RangeFunction" in item) {
      const { alias, functions } = item.RangeFunction;
      this.#subqueries([functions], level);
      const names = alias?.colnames?.map(textOf) ?? (alias ? [alias.aliasname!] : null);
      const columns = names?.map((name) => ({ name, value: () => undefined })) ?? null;
      const name = alias?.aliasname ?? `unnamed ${this.#levels++}`;
      level.sources.set(name, { columns });
      return [name];
    }
    if (!("JoinExpr" in item)) throw new Error(`something else to read from: ${Object.keys(item).join()}`);
    const { larg, rarg, jointype, quals, usingClause } = item.JoinExpr;
    const [left, right] = [this.#item(larg!, level), this.#item(rarg!, level)];
    const all = [...left, ...right];
    const kept = { JOIN_INNER: all, JOIN_LEFT: right, JOIN_RIGHT: left } as Partial<Record<string, string[]>>;
    const restricts = new Set(kept[jointype!]);
    if (quals) {
      this.#conditions(quals, restricts, level);
      this.#subqueries([quals], level);
    }
    for (const column of usingClause ?? []) {
      const [a, b] = [left, right].map((names) => names.find((name) => has(level.sources.get(name)!, textOf(column))));
      if (a && b) level.equalities.push({ sides: [columnOf(a, column), columnOf(b, column)], restricts });
    }
    return all;
  }

  /** Notes the equalities that hold wherever the condition does. */
  #conditions(condition: Node, restricts: ReadonlySet<string> | null, level: Level): void {
    if ("BoolExpr" in condition && condition.BoolExpr.boolop === "AND_EXPR") {
      for (const part of condition.BoolExpr.args ?? []) this.#conditions(part, restricts, level);
    }
    if (!("A_Expr" in condition)) return;
    const { kind, name, lexpr, rexpr } = condition.A_Expr;
    const isEquality = kind === "AEXPR_OP" || kind === "AEXPR_OP_ANY";
    if (!isEquality || !lexpr || !rexpr || name?.length !== 1 || textOf(name[0]!) !== "=") return;
    if (kind === "AEXPR_OP_ANY") {
      const only = this.#onlyOf(rexpr);
      if (only !== undefined)
        level.equalities.push({ sides: [lexpr, { A_Const: { sval: { sval: only } } }], restricts });
      return;
    }
    level.equalities.push({ sides: [lexpr, rexpr], restricts });
  }

  /** The value in a parameter that is a list of one: here a shard has one project. */
  #onlyOf(expression: Node): string | undefined {
    const param = "TypeCast" in expression ? expression.TypeCast.arg! : expression;
    if (!("ParamRef" in param)) return undefined;
    const [, list = ""] = /^\{(.+)\}$/.exec(String(this.#values[param.ParamRef.number! - 1])) ?? [];
    const [only, ...others] = new Set(list.split(","));
    return others.length === 0 ? only || undefined : undefined;
  }

  /** Looks through the queries inside of expressions. */
  #subqueries(expressions: unknown, level: Level): void {
    if (typeof expressions !== "object" || expressions === null) return;
    for (const [name, value] of Object.entries(expressions)) {
      if (name === "subselect") this.query(value as Node, level);
      else this.#subqueries(value, level);
    }
  }

  #columns(targets: readonly Node[] | undefined, level: Level): Column[] {
    return (targets ?? []).flatMap((target): Column[] => {
      const { name, val } = "ResTarget" in target ? target.ResTarget : {};
      const fields = val && "ColumnRef" in val ? val.ColumnRef.fields! : [];
      const last = fields.at(-1);
      if (last && "A_Star" in last) {
        const sources = fields.length > 1 ? [this.#source(level, textOf(fields[0]!))] : [...level.sources.values()];
        return sources.flatMap((source) => source?.columns ?? []);
      }
      return [{ name: name ?? (last ? textOf(last) : ""), value: val ? this.#valueOf(val, level) : () => undefined }];
    });
  }

  #source(level: Level | null, name: string): Source | undefined {
    return level ? (level.sources.get(name) ?? this.#source(level.outer, name)) : undefined;
  }

  #valueOf(expression: Node, level: Level): Value {
    if ("TypeCast" in expression) {
      const { arg } = expression.TypeCast;
      return "ColumnRef" in arg! ? () => undefined : this.#valueOf(arg!, level);
    }
    if ("ParamRef" in expression) {
      const value = this.#values[expression.ParamRef.number! - 1];
      return () => (typeof value === "string" ? value : undefined);
    }
    if ("A_Const" in expression) return () => expression.A_Const.sval?.sval;
    if (!("ColumnRef" in expression)) return () => undefined;
    return (search) => {
      const place = this.#place(expression, level);
      return place && this.#restriction(place.level, place.name, place.column)(search);
    };
  }

  /** Where a column is from. */
  #place(expression: Node, level: Level | null): { level: Level; name: string; column: string } | undefined {
    if (!level || !("ColumnRef" in expression)) return undefined;
    const path = expression.ColumnRef.fields!.map((field) => ("String" in field ? textOf(field) : "*"));
    const column = path.at(-1)!;
    const name = path.length > 1 ? path[0]! : [...level.sources].find(([, source]) => has(source, column))?.[0];
    if (name !== undefined && level.sources.has(name)) return { level, name, column };
    return this.#place(expression, level.outer);
  }

  /** The value that a column has in each row that matters. */
  #restriction(level: Level, name: string, column: string): Value {
    return ({ seen, anywhere }) => {
      const id = `${level.number} ${name} ${column}`;
      if (seen.has(id)) return undefined;
      const search = { seen: new Set([...seen, id]), anywhere };
      const own = level.sources
        .get(name)
        ?.columns?.find((one) => one.name === column)
        ?.value(search);
      if (own !== undefined) return own;
      for (const { sides, restricts } of level.equalities) {
        if (restricts && !restricts.has(name)) continue;
        for (const [one, other] of [sides, sides.toReversed()] as [Node, Node][]) {
          const place = this.#place(one, level);
          if (place?.level !== level || place.name !== name || place.column !== column) continue;
          const value = this.#valueOf(other, level)(search);
          if (value !== undefined) return value;
        }
      }
      return undefined;
    };
  }
}

function isKey(target: Node): boolean {
  return "ResTarget" in target && target.ResTarget.name === KEY;
}

/** Would it move a row to another project? */
function setsKey(targets: readonly Node[] | undefined): boolean {
  return targets?.some(isKey) ?? false;
}

function has({ columns }: Source, column: string): boolean {
  return columns?.some(({ name }) => name === column) ?? false;
}

function onlyAnywhere({ name, value }: Column): Column {
  return { name, value: (search) => (search.anywhere ? value(search) : undefined) };
}

/** The value of all, where it is one. */
function agreed(values: readonly (Value | undefined)[]): Value {
  return (search) => {
    const [first, ...rest] = values.map((value) => value?.(search));
    return rest.every((value) => value === first) ? first : undefined;
  };
}

function renamed(columns: readonly Column[], names: readonly Node[] | undefined): Column[] {
  return columns.map(({ name, value }, i) => ({ name: names?.[i] ? textOf(names[i]) : name, value }));
}

function columnOf(name: string, column: Node): Node {
  return { ColumnRef: { fields: [{ String: { sval: name } }, column] } };
}

function textOf(node: Node): string {
  if (!("String" in node)) throw new Error(`not a name: ${Object.keys(node).join()}`);
  return node.String.sval ?? "";
}

function namesIn(tree: unknown, names = new Map<string, number>()): Map<string, number> {
  if (typeof tree !== "object" || tree === null) return names;
  for (const [key, value] of Object.entries(tree)) {
    if (key === "relname") names.set(String(value), (names.get(String(value)) ?? 0) + 1);
    else namesIn(value, names);
  }
  return names;
}
