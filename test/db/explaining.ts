/**
 * A database that notes the plan of each statement, and what the plan handled, before it runs the statement. All of it
 * is one connection, as Workers have them: a plan that a routine keeps was made when it was first called.
 */
import pg from "pg";
import { type Database, databaseOver, type Row } from "../../src/db/client.ts";
import { postgresDriver } from "../../src/db/postgres.ts";
import { ROUTINES } from "../../src/routines.ts";

/** A node of a plan, as `EXPLAIN (ANALYZE, FORMAT JSON)` writes it. */
export interface PlanNode {
  "Node Type": string;
  "Relation Name"?: string;
  "CTE Name"?: string;
  "Index Name"?: string;
  "Index Cond"?: string;
  "Actual Rows": number;
  "Actual Loops": number;
  "Rows Removed by Filter"?: number;
  "Rows Removed by Join Filter"?: number;
  "Rows Removed by Index Recheck"?: number;
  Plans?: PlanNode[];
}

export interface Explained {
  text: string;
  plan: PlanNode;
}

/** What only sets the session for the statements behind it. */
const SETTING = /^\s*select (?:set_config\(|1 where set_config\()/;
const EXPLAIN = "explain (analyze, timing off, format json)";

export interface Explaining {
  db: Database;
  /** What was explained since it was last asked. */
  taken(): Explained[];
  close(): Promise<void>;
}

export async function explaining(url: string): Promise<Explaining> {
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => {});
  await client.connect();
  const explained: Explained[] = [];
  const prepared = new Set<string>();

  /** The statement inside a routine keeps one plan for all values. So does a prepared one, if it is told to. */
  async function explain(text: string, values: unknown[]): Promise<Explained> {
    const routine = ROUTINES.find((statement) => statement.routine!.call === text);
    if (!routine) return { text, plan: await planOf(`${EXPLAIN} ${text}`, values) };
    const { name } = routine.routine!;
    if (!prepared.has(name)) {
      await client.query(`prepare ${name} (${values.map(() => "text").join()}) as ${routine.text}`);
      prepared.add(name);
    }
    const literals = values.map((value) => (value === null ? "null" : pg.escapeLiteral(String(value))));
    await client.query("set local plan_cache_mode = force_generic_plan");
    const plan = await planOf(`${EXPLAIN} execute ${name}(${literals.join()})`, []);
    await client.query("set local plan_cache_mode = auto");
    return { text: routine.text, plan };
  }

  async function planOf(text: string, values: unknown[]): Promise<PlanNode> {
    const { rows } = await client.query<{ "QUERY PLAN": [{ Plan: PlanNode }] }>(text, values);
    return rows[0]!["QUERY PLAN"][0].Plan;
  }

  const db = databaseOver(
    {
      ...postgresDriver(url),
      async transact(queries) {
        const answers: Row[][] = [];
        await client.query("begin");
        try {
          for (const { text, values } of queries) {
            if (!SETTING.test(text)) {
              await client.query("savepoint explained");
              explained.push(await explain(text, [...values]));
              await client.query("rollback to explained");
            }
            answers.push((await client.query<Row>(text, [...values])).rows);
          }
          await client.query("commit");
          return answers;
        } catch (error) {
          await client.query("rollback");
          throw error;
        }
      },
    },
    60_000,
  );
  return { db, taken: () => explained.splice(0), close: () => client.end() };
}
