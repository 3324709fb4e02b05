/** What a driver does: one transaction, and what became of it. Which one it is, only client.ts knows. */

export type Row = Record<string, unknown>;

/** SQL with the values of its `$1`, `$2` and so on. */
export interface Query {
  text: string;
  values: readonly unknown[];
}

export interface Driver {
  /**
   * Runs them in order, in one transaction at READ COMMITTED; rows of each. All of it happens, or none; where the answer
   * does not come within the limit nobody knows which.
   */
  transact(queries: readonly Query[], limitMs: number): Promise<Row[][]>;
  /** What is told by the error of a transaction. */
  failureOf(error: unknown): Failure;
}

export interface Failure {
  /** SQLSTATE, where Postgres itself said what is wrong. */
  code?: string | undefined;
  /** More than can be asked or answered at once. */
  tooLarge?: boolean;
}
