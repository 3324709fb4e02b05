/** The driver for Neon. Each transaction is one HTTP request. */
import { neon, neonConfig, NeonDbError, type NeonQueryFunction } from "@neondatabase/serverless";
import type { Driver, Row } from "./driver.ts";

/** In Neon's errors: the proxy refused a request, or its answer, for its size. */
const TOO_LARGE = /HTTP status (413|507)/;

/** The options that a client passes to fetch, and the address. */
interface FetchOptions extends RequestInit {
  endpoint?: string | undefined;
}

// Neon's library has one endpoint and one fetch for all clients. A client's options reach fetch, so they carry its
// endpoint.
neonConfig.fetchFunction = (url: string, { endpoint = url, ...init }: FetchOptions) => fetch(endpoint, init);

/** @param endpoint the address of Neon's `/sql`, if it is not at the database's own host. */
export function neonDriver(url: string, endpoint: string | undefined): Driver {
  const client: NeonQueryFunction<false, false> = neon(url);
  return {
    async transact(queries, limitMs) {
      const fetchOptions: FetchOptions = { endpoint, signal: AbortSignal.timeout(limitMs) };
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
