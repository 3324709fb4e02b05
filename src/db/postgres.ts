/**
 * Any Postgres over TCP, through Hyperdrive: each transaction opens a connection and closes it.
 *
 * In a Worker a socket belongs to the request that opened it, so there is nothing to pool here: Hyperdrive keeps the
 * connections, and lends one for as long as a transaction takes. All statements are sent at once; between Worker and
 * database that is one round trip.
 */
import { Client, type CustomTypesConfig, DatabaseError, type QueryConfig, types } from "pg";
import type { Driver, Query, Row } from "./driver.ts";

/** As much as Neon takes, and answers; an isolate has memory for few of them. */
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
    // A connection that is lost is told by what waits for it.
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
      // Set for the transaction alone: the next one to get this connection may be anybody's.
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

/** Values as they are always read, but for what comes after so much text. */
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
