/**
 * Statements to Postgres over Neon's HTTP driver. Each call is one statement in one transaction,
 * or a `batch` of them in one; nothing here retries what may have been written, except where
 * Postgres said that it rolled back (deadlock, serialisation).
 */
import { neon, neonConfig, NeonDbError, type NeonQueryFunction } from "@neondatabase/serverless";
import type { SQL } from "drizzle-orm";
import { PgDialect } from "drizzle-orm/pg-core";

/** The database did not answer, or could not: the caller may try again later. */
export class DatabaseUnavailable extends Error {
  override name = "DatabaseUnavailable";
}

/** More than Neon takes in one request, or gives in one answer; a part of it may pass. */
export class StatementTooLarge extends Error {
  override name = "StatementTooLarge";
}

/** A statement refused to go on (`refuse_if` in the database): its transaction was rolled back. */
export class Refused extends Error {
  override name = "Refused";
}

/** The code with which a statement refuses for a reason that its caller knows. */
export const REFUSED = "LT001";

/** A statement compiled once; parameters come by position with each run. */
export interface Statement {
  text: string;
}

/** A compiled statement with the values of one run. */
export interface Bound {
  statement: Statement;
  values: readonly unknown[];
}

export type Row = Record<string, unknown>;

export interface Database {
  /** Returns once the database has answered. */
  ping(): Promise<void>;
  /** Runs SQL that carries its own values. */
  query(query: SQL): Promise<Row[]>;
  /** Runs a compiled statement. */
  run(statement: Statement, values: readonly unknown[]): Promise<Row[]>;
  /** Runs several in one transaction, in order; each sees what was committed before it began. */
  batch(queries: readonly (SQL | Bound)[]): Promise<Row[][]>;
}

export interface DatabaseOptions {
  url: string;
  /** Where Neon's `/sql` is, if not at the database's own host. */
  fetchEndpoint?: string | undefined;
  timeoutMs?: number;
}

const dialect = new PgDialect();
const RETRIES = 3;
/** deadlock_detected, serialization_failure: rolled back, so running it again is safe. */
const ROLLED_BACK = new Set(["40P01", "40001"]);
/** Connection, resource and operator classes, and a cancelled statement: not this statement's fault. */
const UNAVAILABLE = /^(08|53|57|58|55P03|25006|XX)/;

/** How the driver tells that the proxy refused a request, or its answer, for its size. */
const TOO_LARGE = /HTTP status (413|507)/;

export function connect({ url, fetchEndpoint, timeoutMs = 8_000 }: DatabaseOptions): Database {
  if (fetchEndpoint !== undefined) neonConfig.fetchEndpoint = fetchEndpoint;
  const client: NeonQueryFunction<false, false> = neon(url);

  async function attempt<T>(run: (signal: AbortSignal) => Promise<T>): Promise<T> {
    for (let tries = 0; ; tries++) {
      try {
        return await run(AbortSignal.timeout(timeoutMs));
      } catch (error) {
        const code = error instanceof NeonDbError ? error.code : undefined;
        if (code !== undefined && ROLLED_BACK.has(code) && tries < RETRIES) {
          await new Promise((resolve) => setTimeout(resolve, 10 * 2 ** tries * (1 + Math.random())));
          continue;
        }
        if (code === undefined && TOO_LARGE.test(String(error))) {
          throw new StatementTooLarge("the statement is too large", { cause: error });
        }
        if (code === undefined || ROLLED_BACK.has(code) || UNAVAILABLE.test(code)) {
          throw new DatabaseUnavailable("the database did not answer", { cause: error });
        }
        if (code === REFUSED) throw new Refused("refused by the statement", { cause: error });
        throw error;
      }
    }
  }

  return {
    async ping() {
      await attempt((signal) => client.query("select 1", [], { fetchOptions: { signal } }));
    },
    query(query) {
      const { sql, params } = dialect.sqlToQuery(query);
      return attempt((signal) => client.query(sql, params, { fetchOptions: { signal } }) as Promise<Row[]>);
    },
    run({ text }, values) {
      return attempt(
        (signal) => client.query(text, values as unknown[], { fetchOptions: { signal } }) as Promise<Row[]>,
      );
    },
    batch(queries) {
      const compiled = queries.map((query) =>
        "statement" in query ? { sql: query.statement.text, params: [...query.values] } : dialect.sqlToQuery(query),
      );
      return attempt(
        (signal) =>
          client.transaction((tx) => compiled.map(({ sql, params }) => tx.query(sql, params)), {
            isolationLevel: "ReadCommitted",
            fetchOptions: { signal },
          }) as Promise<Row[][]>,
      );
    },
  };
}

/** Compiles a statement whose values are `sql.placeholder`s named in `order`. */
export function compile(query: SQL, order: readonly string[]): Statement {
  const { sql: text, params } = dialect.sqlToQuery(query);
  const names = params.map((param) => (param as { name: string }).name);
  if (names.join() !== order.join()) throw new Error(`the statement takes ${names.join()}, not ${order.join()}`);
  return { text };
}

/** Compiles a statement for a transaction; its placeholders are filled by name, each as often as it occurs. */
export function compileNamed(query: SQL): (values: Readonly<Record<string, unknown>>) => Bound {
  const { sql: text, params } = dialect.sqlToQuery(query.inlineParams());
  const names = params.map((param) => (param as { name: string }).name);
  return (values) => ({ statement: { text }, values: names.map((name) => values[name]) });
}
