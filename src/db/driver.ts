/** A driver runs one transaction and explains its errors. Only `client.ts` knows which driver is used. */

export type Row = Record<string, unknown>;

/** SQL with the values of its `$1`, `$2` and so on. */
export interface Query {
  text: string;
  values: readonly unknown[];
}

export interface Driver {
  /**
   * Runs the queries in order, in one transaction at READ COMMITTED. Returns the rows of each. The whole transaction
   * happens, or nothing of it. If the answer does not come within the limit, it is not known which.
   */
  transact(queries: readonly Query[], limitMs: number): Promise<Row[][]>;
  /** Reads the error of a transaction. */
  failureOf(error: unknown): Failure;
}

export interface Failure {
  /** The SQLSTATE, if the error came from Postgres itself. */
  code?: string | undefined;
  /** True if the statement or its answer is too large. */
  tooLarge?: boolean;
}
