/**
 * INSERTs on Citus. There `INSERT … SELECT` of rows that come from no distributed table asks every shard on every worker,
 * or sends rows by COPY, which the wall between projects forbids. So such a statement is rewritten: its rows are joined to
 * the project's own row of `project_homes`, which is distributed like all others, and the INSERT goes to that one shard.
 *
 *   x as (insert into t (project_id, a) select …)
 *   x_rows (project_id, a) as materialized (select …),
 *   x as (insert into t (project_id, a) select h.project_id, i.a from x_rows i join project_homes h …)
 *
 * What it cannot read stays as it is: that is slower, but right. Any other Postgres gets the statements unchanged.
 */
import { sql } from "drizzle-orm";
import { type Bound, boundOf, type Database, type Row } from "./client.ts";
import { isDistributed } from "./shards.ts";

const INSERT = /(\w+ as \(\s*)?insert into (\w+)(?: as \w+)? \(([^()]*)\)\s+(?=select\b|with\b)/g;
/** How a statement names its project, or those of one shard. */
const OF = [
  /project_id = \$(\d+)::uuid(?!\[)/,
  /\$(\d+)::uuid as project_id/,
  /select \$(\d+)::uuid,/,
  /project_id = any\(\$(\d+)::uuid\[\]\)/,
];

export interface Rewritten {
  text: string;
  /** The position of the value that names the project or the projects, from 0 on. */
  of: number;
}

/**
 * @param distributed the tables that are distributed by project.
 * @returns null if the statement stays as it is.
 */
export function sentToShard(text: string, distributed: ReadonlySet<string>): Rewritten | null {
  // It was rewritten before.
  if (text.includes("join project_homes h")) return null;
  const named = OF.map((pattern) => pattern.exec(text)).find((found) => found !== null);
  if (!named) return null;
  const home = named[0].includes("any(") ? `any($${named[1]}::uuid[])` : `$${named[1]}::uuid`;
  let rewritten = "";
  let ending = "";
  let at = 0;
  for (const found of text.matchAll(INSERT)) {
    const [head, cte, table, list] = found as unknown as [string, string | undefined, string, string];
    const names = list.split(",").map((name) => name.trim().replaceAll('"', ""));
    if (!distributed.has(table) || !names.includes("project_id") || found.index < at) continue;
    const start = found.index + head.length;
    const end = endOf(text, start);
    rewritten += text.slice(at, found.index);
    // One that is not in a CTE becomes one: Citus plans those alone. Without an alias it writes a wrong RETURNING.
    const name = cte ?? `${/^\s*with\b/.test(rewritten) ? "," : "with"} put as (`;
    const rows = name.replace(/(\w+) as \(\s*$/, `$1_rows (${list}) as materialized (`);
    if (cte === undefined)
      ending = `)\n${text.slice(end).includes("returning") ? "select * from put" : "select 1 where false"}`;
    const into = head.slice(cte?.length ?? 0).trimEnd();
    const chosen = names.map((name) => (name === "project_id" ? "h.project_id" : `i."${name}"`));
    rewritten += `${rows}
${text.slice(start, end)}
),
${name.replace(/^(with|,) /, "")}${text.slice(end).includes(`${table}.`) ? into : into.replace(/^insert into \w+ (?!as )/, "$&as stored ")}
  select ${chosen.join(", ")}
  from ${/(\w+) as \(\s*$/.exec(name)![1]}_rows i join project_homes h on h.project_id = i.project_id where h.project_id = ${home}
  `;
    at = end;
  }
  return at === 0 ? null : { text: rewritten + text.slice(at) + ending, of: Number(named[1]) - 1 };
}

/** Where a SELECT ends: before ON CONFLICT, RETURNING, the bracket that closes it, or the end. */
function endOf(text: string, start: number): number {
  const token = /--[^\n]*|'(?:[^']|'')*'|"[^"]*"|[()]|\bon conflict\b|\breturning\b/g;
  token.lastIndex = start;
  let depth = 0;
  for (let found = token.exec(text); found !== null; found = token.exec(text)) {
    const [at] = found;
    if (at === "(") depth++;
    else if (at === ")" && --depth < 0) return found.index;
    else if (depth === 0 && (at === "on conflict" || at === "returning")) return found.index;
  }
  return text.length;
}

/** The same database. On Citus its INSERTs go to the shard of their project. */
export function toShards(db: Database): Database {
  const known = new Map<string, Rewritten | null>();
  let asked: Promise<ReadonlySet<string>> | undefined;

  async function distributedTables(): Promise<ReadonlySet<string>> {
    asked ??= tablesOf(db);
    try {
      return await asked;
    } catch (error) {
      asked = undefined;
      throw error;
    }
  }

  /** What is run in place of a statement. */
  function sent(bound: Bound, distributed: ReadonlySet<string>): Bound[] {
    const { text } = bound.statement;
    if (!text.includes("insert into")) return [bound];
    let found = known.get(text);
    if (found === undefined) known.set(text, (found = sentToShard(text, distributed)));
    if (found === null) return [bound];
    return [home(bound.values[found.of]), { statement: { text: found.text }, values: bound.values }];
  }

  async function batch(queries: Parameters<Database["batch"]>[0]): Promise<Row[][]> {
    const distributed = await distributedTables();
    if (distributed.size === 0) return await db.batch(queries);
    const each = queries.map((query) => sent(boundOf(query), distributed));
    const answers = await db.batch(each.flat());
    let end = 0;
    return each.map(({ length }) => answers[(end += length) - 1]!);
  }

  return {
    ping: db.ping,
    async query(query) {
      return (await distributedTables()).size === 0 ? await db.query(query) : (await batch([query]))[0]!;
    },
    async run(statement, values) {
      if ((await distributedTables()).size === 0) return await db.run(statement, values);
      return (await batch([{ statement, values }]))[0]!;
    },
    batch,
  };
}

/** Without its row an INSERT would find nothing to join. So the same transaction puts it in first. */
function home(of: unknown): Bound {
  const values = Array.isArray(of) ? of : String(of).replaceAll(/[{}]/g, "").split(",");
  const rows = values.map((_, i) => `($${i + 1}::uuid)`).join(", ");
  const text = `insert into project_homes (project_id) values ${rows} on conflict do nothing`;
  return { statement: { text }, values };
}

/** The tables that are distributed by project. None before `scripts/citus.sql` of this version has run. */
async function tablesOf(db: Database): Promise<ReadonlySet<string>> {
  if (!(await isDistributed(db))) return new Set();
  const rows = await db.query(
    sql`select logicalrelid::regclass::text as name from pg_dist_partition where partmethod = 'h'`,
  );
  const names = new Set(rows.map(({ name }) => String(name)));
  return names.has("project_homes") ? names : new Set();
}
