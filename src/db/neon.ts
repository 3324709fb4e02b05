/** Neon's driver: each transaction is one request over HTTP. */
import { neon, neonConfig, NeonDbError, type NeonQueryFunction } from "@neondatabase/serverless";
import type { Driver, Row } from "./driver.ts";

/** How the driver tells that the proxy refused a request, or its answer, for its size. */
const TOO_LARGE = /HTTP status (413|507)/;

/** @param fetchEndpoint where Neon's `/sql` is, if not at the database's own host. */
export function neonDriver(url: string, fetchEndpoint: string | undefined): Driver {
  if (fetchEndpoint !== undefined) neonConfig.fetchEndpoint = fetchEndpoint;
  const client: NeonQueryFunction<false, false> = neon(url);
  return {
    async transact(queries, limitMs) {
      const fetchOptions = { signal: AbortSignal.timeout(limitMs) };
      const [only] = queries;
      if (only && queries.length === 1) {
        return [(await client.query(only.text, [...only.values], { fetchOptions })) as Row[]];
      }
      return (await client.transaction((tx) => queries.map(({ text, values }) => tx.query(text, [...values])), {
        isolationLevel: "ReadCommitted",
        fetchOptions,
      })) as Row[][];
    },
    failureOf(error) {
      if (error instanceof NeonDbError && error.code !== undefined) return { code: error.code };
      return { tooLarge: TOO_LARGE.test(String(error)) };
    },
  };
}
