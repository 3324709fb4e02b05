/**
 * Sends statements to Postgres over one of two drivers. No other file can tell the drivers apart. Each call is one
 * transaction. It is retried only if Postgres said that it was rolled back (deadlock, serialisation).
 */
import { type SQL, sql } from "drizzle-orm";
import type { Driver, Query, Row } from "./driver.ts";
import { neonDriver } from "./neon.ts";
import { postgresDriver } from "./postgres.ts";
import { render } from "./render.ts";
import type { Routine } from "./routine.ts";

export type { Row } from "./driver.ts";

/** The database did not answer, or could not. The caller may try again later. */
export class DatabaseUnavailable extends Error {
  override name = "DatabaseUnavailable";
}

/** The statement or its answer is too large. A part of it may succeed. */
export class StatementTooLarge extends Error {
  override name = "StatementTooLarge";
}

/** A statement refused to go on (`refuse_if` in the database). Its transaction was rolled back. */
export class Refused extends Error {
  override name = "Refused";
}

/** The SQLSTATE of a refusal whose reason the caller of the statement knows. */
export const REFUSED = "LT001";

/** What may be no longer kept, as `kept_since` in the database names it. */
export type ExpiredKind = "raw" | "hours";

/** A statement needs rows that are no longer kept (`kept_since` in the database). Its transaction was rolled back. */
export class Expired extends Error {
  override name = "Expired";
  readonly what: ExpiredKind;
  /** The start of the rows that are kept, epoch ms. */
  readonly sinceMs: number;

  constructor(message: string, options: ErrorOptions) {
    super(message, options);
    const [what, sinceMs] = message.split(" ");
    this.what = what as ExpiredKind;
    this.sinceMs = Number(sinceMs);
  }
}

/** The SQLSTATE with which `kept_since` refuses. */
const EXPIRED = "LT002";

/** A statement that is compiled once. Each run passes the parameters by position. */
export interface Statement {
  text: string;
  /** The same statement as a function of the database, if there is one. */
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
  /** Runs several statements in one transaction, in order. Each sees everything that was committed before it began. */
  batch(queries: readonly (SQL | Bound)[]): Promise<Row[][]>;
}

export interface DatabaseOptions {
  /** `neon` (the default) is Neon's SQL over HTTP. `postgres` is Postgres' own protocol over TCP. */
  driver?: "neon" | "postgres";
  url: string;
  /** The address of Neon's `/sql`, if it is not at the database's own host. */
  fetchEndpoint?: string | undefined;
  timeoutMs?: number;
}

/** Short enough to answer a caller within ten seconds, and to answer other requests whose calls this one writes. */
export const DEFAULT_TIMEOUT_MS = 8_000;

const RETRIES = 3;
/** deadlock_detected, serialization_failure: the transaction was rolled back, so running it again is safe. */
const ROLLED_BACK = new Set(["40P01", "40001"]);
/** undefined_function: nothing ran. */
const NO_FUNCTION = "42883";
/**
 * Classes of connections, logins, resources and operators, and a cancelled statement: the statement is not at fault. Nor
 * is it where the code is none of Postgres', such as `ECONNREFUSED` of what stands before the database.
 */
const UNAVAILABLE = /^(08|28|3D|53|57|58|55P03|25006|XX)|^(?![0-9A-Z]{5}$)/;

export function connect({ driver = "neon", url, fetchEndpoint, timeoutMs }: DatabaseOptions): Database {
  return databaseOver(driver === "neon" ? neonDriver(url, fetchEndpoint) : postgresDriver(url), timeoutMs);
}

export function databaseOver({ transact, failureOf }: Driver, timeoutMs = DEFAULT_TIMEOUT_MS): Database {
  /** True until the database says that it lacks the routines of this version. */
  let hasRoutines = true;

  function queryOf(query: SQL | Bound): Query {
    const { statement, values } = boundOf(query);
    return { text: (hasRoutines && statement.routine?.call) || statement.text, values };
  }

  async function attempt(queries: readonly (SQL | Bound)[]): Promise<Row[][]> {
    for (let tries = 0; ; tries++) {
      const calledRoutines = hasRoutines && queries.some((query) => "statement" in query && query.statement.routine);
      try {
        return await transact(queries.map(queryOf), timeoutMs);
      } catch (error) {
        const { code, tooLarge } = failureOf(error);
        if (code === NO_FUNCTION && calledRoutines) {
          // Transactions that were under way find the same. Only the first one logs it.
          if (hasRoutines)
            console.error(
              "The database lacks the routines of this version. Writes and receipts cost it more until it is migrated.",
            );
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

/** A query as a statement with its values. */
export function boundOf(query: SQL | Bound): Bound {
  if ("statement" in query) return query;
  const { text, values } = render(query);
  return { statement: { text }, values };
}

/** The text of a statement, which holds none of its values. */
export function textOf(query: SQL | Bound): string {
  return "statement" in query ? query.statement.text : render(query).text;
}

/** Compiles a statement whose values are placeholders, named in `order`. */
export function compile(query: SQL, order: readonly string[]): Statement {
  const { text, values } = render(query);
  const names = values.map((param) => (param as { name: string }).name);
  if (names.join() !== order.join()) throw new Error(`the statement takes ${names.join()}, not ${order.join()}`);
  return { text };
}

/** Compiles a statement whose placeholders are filled by name. One that occurs several times is sent once. */
export function compileNamed(query: SQL): (values: Readonly<Record<string, unknown>>) => Bound {
  const { text: numbered, values: placeholders } = render(query.inlineParams());
  const all = placeholders.map((param) => (param as { name: string }).name);
  const names = [...new Set(all)];
  const text = numbered.replace(/\$(\d+)/g, (_, nth: string) => `$${names.indexOf(all[Number(nth) - 1]!) + 1}`);
  return (values) => ({ statement: { text }, values: names.map((name) => values[name]) });
}

/** How many statements `compileEach` remembers. */
const MOST_SHAPES = 200;

/**
 * Compiles the statements of many shapes, each when it is first asked for. The text of a statement must depend on its
 * shape alone.
 */
export function compileEach<T>(
  build: (from: T) => SQL,
): (shape: string, from: T, values: Readonly<Record<string, unknown>>) => Bound {
  const compiled = new Map<string, ReturnType<typeof compileNamed>>();
  return (shape, from, values) => {
    let bind = compiled.get(shape);
    if (bind === undefined) {
      if (compiled.size >= MOST_SHAPES) compiled.clear();
      bind = compileNamed(build(from));
      compiled.set(shape, bind);
    }
    return bind(values);
  };
}
