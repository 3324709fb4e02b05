/** A database that notes each statement run on it, with its values, and from where in `src/`. */
import { PgDialect } from "drizzle-orm/pg-core";
import type { Bound, Database } from "../../src/db/client.ts";

export interface Run {
  text: string;
  values: readonly unknown[];
  /** The call, as `src/file.ts:line`. */
  at: string;
  /** The functions that it was called in, as `src/file.ts function`, the innermost first; some have no name. */
  within: readonly string[];
  /** The statement that its transaction begins with. */
  first: string;
}

/** What a statement fails with instead of being run; null runs it. */
export type Failing = (run: Run) => Error | null;

const dialect = new PgDialect();
const FRAME =
  /at (?:async )?(?:Object\.)?(?:([\w$]+) )?\(?[^()]*?\/(src\/(?!(?:db|telemetry)\/)[^():?]+\.ts)[^():]*:(\d+):\d+\)?$/;

export function recording(db: Database, runs: Run[], failing: Failing): Database {
  function noted(queries: readonly (Bound | Parameters<Database["query"]>[0])[]): Bound[] {
    const frames = (new Error().stack ?? "").split("\n").flatMap((line) => {
      const [, name = "", file, number] = FRAME.exec(line.trim()) ?? [];
      return file === undefined ? [] : [{ at: `${file}:${number}`, name: `${file} ${name}`.trim() }];
    });
    const at = frames[0]?.at ?? "";
    const within = frames.map(({ name }) => name);
    const bound = queries.map((query): Bound => {
      if ("statement" in query) return query;
      const { sql: text, params: values } = dialect.sqlToQuery(query);
      return { statement: { text }, values };
    });
    for (const { statement, values } of bound) {
      const run = { text: statement.text, values, at, within, first: bound[0]!.statement.text };
      runs.push(run);
      const error = failing(run);
      if (error) throw error;
    }
    return bound;
  }
  return {
    ping: () => db.ping(),
    async query(query) {
      const [{ statement, values }] = noted([query]) as [Bound];
      return await db.run(statement, values);
    },
    async run(statement, values) {
      noted([{ statement, values }]);
      return await db.run(statement, values);
    },
    async batch(queries) {
      return await db.batch(noted(queries));
    },
  };
}
