/**
 * The driver for any Postgres over TCP, through Hyperdrive. Each transaction opens a connection and closes it.
 *
 * In a Worker a socket belongs to the request that opened it, so connections cannot be pooled here. Hyperdrive keeps
 * them, and lends one for the length of a transaction. All statements are sent at once, which is one round trip.
 */
import { Client, type CustomTypesConfig, DatabaseError, type QueryConfig, types } from "pg";
import type { Driver, Query, Row } from "./driver.ts";

/** The limit of Neon for a request and for an answer. An isolate has memory for only a few of this size. */
const MAX_CHARS = 10 * 1_024 * 1_024;

class TooLarge extends Error {
  override name = "TooLarge";
}

export function postgresDriver(url: string): Driver {
  async function transact(queries: readonly Query[], limitMs: number): Promise<Row[][]> {
    if (sizeOf(queries) > MAX_CHARS) throw new TooLarge("the statements are too large");
    const beganMs = performance.now();
    const client = new Client({
      connectionString: url,
      connectionTimeoutMillis: limitMs,
      pipeline: true,
      types: limitedTo(MAX_CHARS),
    });
    // If a connection is lost, the queries that wait for it fail with the error.
    client.on("error", () => {});
    try {
      await client.connect();
      const query_timeout = Math.max(1, limitMs - (performance.now() - beganMs));
      const send = async (query: Partial<Query> & { text: string }): Promise<Row[]> => {
        const timed: QueryConfig & { query_timeout: number } = {
          ...query,
          values: query.values as unknown[],
          query_timeout,
        };
        return (await client.query<Row>(timed)).rows;
      };
      // `local` sets it for this transaction only, because the connection is lent to other transactions later.
      const begin = `begin isolation level read committed; set local statement_timeout = ${Math.ceil(limitMs)}`;
      const rows = await Promise.all([send({ text: begin }), ...queries.map(send), send({ text: "commit" })]);
      return rows.slice(1, -1);
    } finally {
      client.end().catch(() => undefined);
    }
  }

  return {
    transact,
    failureOf(error) {
      if (error instanceof DatabaseError) return { code: error.code };
      return { tooLarge: error instanceof TooLarge };
    },
  };
}

function sizeOf(queries: readonly Query[]): number {
  let chars = 0;
  for (const { text, values } of queries) {
    chars += text.length;
    for (const value of values) if (typeof value === "string") chars += value.length;
  }
  return chars;
}

/** Reads values as `pg` does by default, but fails after this many characters. */
function limitedTo(chars: number): CustomTypesConfig {
  let left = chars;
  return {
    getTypeParser(oid: number, format?: "text" | "binary") {
      const read = types.getTypeParser(oid, format) as (value: string) => unknown;
      return (value: string) => {
        left -= value.length;
        if (left < 0) throw new TooLarge("the answer is too large");
        return read(value);
      };
    },
  } as CustomTypesConfig;
}
