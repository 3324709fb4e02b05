/**
 * Statements to Postgres, over one of two drivers that nothing else can tell apart. Each call is one transaction; nothing
 * here retries what may have been written, except where Postgres said that it rolled back (deadlock, serialisation).
 */
import { type SQL, sql } from "drizzle-orm";
import { PgDialect } from "drizzle-orm/pg-core";
import type { Query, Row } from "./driver.ts";
import { neonDriver } from "./neon.ts";
import { postgresDriver } from "./postgres.ts";
import type { Routine } from "./routine.ts";

export type { Row } from "./driver.ts";

/** The database did not answer, or could not: the caller may try again later. */
export class DatabaseUnavailable extends Error {
  override name = "DatabaseUnavailable";
}

/** More than can be asked or answered at once; a part of it may pass. */
export class StatementTooLarge extends Error {
  override name = "StatementTooLarge";
}

/** A statement refused to go on (`refuse_if` in the database): its transaction was rolled back. */
export class Refused extends Error {
  override name = "Refused";
}

/** The code with which a statement refuses for a reason that its caller knows. */
export const REFUSED = "LT001";

/** A statement needs what is kept no longer (`kept_since` in the database): its transaction was rolled back. */
export class Expired extends Error {
  override name = "Expired";
  readonly what: "raw" | "hours";
  /** From when on it is kept, epoch ms. */
  readonly sinceMs: number;

  constructor(message: string, options: ErrorOptions) {
    super(message, options);
    const [what, sinceMs] = message.split(" ");
    this.what = what as Expired["what"];
    this.sinceMs = Number(sinceMs);
  }
}

/** The code with which `kept_since` refuses. */
const EXPIRED = "LT002";

/** A statement compiled once; parameters come by position with each run. */
export interface Statement {
  text: string;
  /** The same as a function of the database, if it may be called by that. */
  routine?: Routine;
}

/** A compiled statement with the values of one run. */
export interface Bound {
  statement: Statement;
  values: readonly unknown[];
}

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
  /** Neon's SQL over HTTP, or Postgres' own protocol over TCP. Default: `neon`. */
  driver?: "neon" | "postgres";
  url: string;
  /** Where Neon's `/sql` is, if not at the database's own host. */
  fetchEndpoint?: string | undefined;
  timeoutMs?: number;
}

/** Callers are told within ten seconds; and a request that writes for others outlives no patience of theirs. */
export const DEFAULT_TIMEOUT_MS = 8_000;

const dialect = new PgDialect();
const RETRIES = 3;
/** deadlock_detected, serialization_failure: rolled back, so running it again is safe. */
const ROLLED_BACK = new Set(["40P01", "40001"]);
/** undefined_function: nothing ran. */
const NO_FUNCTION = "42883";
/** Connection, resource and operator classes, and a cancelled statement: not this statement's fault. */
const UNAVAILABLE = /^(08|53|57|58|55P03|25006|XX)/;

export function connect({
  driver = "neon",
  url,
  fetchEndpoint,
  timeoutMs = DEFAULT_TIMEOUT_MS,
}: DatabaseOptions): Database {
  const { transact, failureOf } = driver === "neon" ? neonDriver(url, fetchEndpoint) : postgresDriver(url);

  /** Has the database the routines of this version? Until it says otherwise. */
  let hasRoutines = true;

  function queryOf(query: SQL | Bound): Query {
    if ("statement" in query) {
      const { text, routine } = query.statement;
      return { text: (hasRoutines && routine?.call) || text, values: query.values };
    }
    const { sql: text, params: values } = dialect.sqlToQuery(query);
    return { text, values };
  }

  async function attempt(queries: readonly (SQL | Bound)[]): Promise<Row[][]> {
    for (let tries = 0; ; tries++) {
      const calledRoutines = hasRoutines;
      try {
        return await transact(queries.map(queryOf), timeoutMs);
      } catch (error) {
        const { code, tooLarge } = failureOf(error);
        if (code === NO_FUNCTION && calledRoutines) {
          // Others that were under way find the same.
          if (hasRoutines)
            console.error("The database lacks the routines of this version, so writes cost it more: migrate it.");
          hasRoutines = false;
          continue;
        }
        if (code !== undefined && ROLLED_BACK.has(code) && tries < RETRIES) {
          await new Promise((resolve) => setTimeout(resolve, 10 * 2 ** tries * (1 + Math.random())));
          continue;
        }
        if (tooLarge) throw new StatementTooLarge("the statement is too large", { cause: error });
        if (code === undefined || ROLLED_BACK.has(code) || UNAVAILABLE.test(code)) {
          throw new DatabaseUnavailable("the database did not answer", { cause: error });
        }
        if (code === EXPIRED) throw new Expired((error as Error).message, { cause: error });
        if (code === REFUSED) throw new Refused("refused by the statement", { cause: error });
        throw error;
      }
    }
  }

  async function one(query: SQL | Bound): Promise<Row[]> {
    const [rows = []] = await attempt([query]);
    return rows;
  }

  return {
    async ping() {
      await one(sql`select 1`);
    },
    query: one,
    run: (statement, values) => one({ statement, values }),
    batch: attempt,
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
