/**
 * The driver for Neon. Each transaction is one HTTP request. The protocol and the conversions of values are those of
 * Neon's library, whose client would parse the connection string anew for each request and cost as much as the request.
 */
import { NeonDbError, neonConfig } from "@neondatabase/serverless";
import { rowsOf, type TextRows } from "./cells.ts";
import type { Driver, Query, Row } from "./driver.ts";

/** In Neon's errors: the proxy refused a request, or its answer, for its size. */
const TOO_LARGE = /HTTP status (413|507)/;

// These bound the memory; a text's in characters.
const MOST_TEXTS = 200;
const LONGEST_TEXT = 20_000;

/** @param endpoint the address of Neon's `/sql`, if it is not at the database's own host. */
export function neonDriver(url: string, endpoint: string | undefined): Driver {
  const { hostname, port } = new URL(url);
  const headers = {
    "Neon-Connection-String": url,
    "Neon-Raw-Text-Output": "true",
    "Neon-Array-Mode": "true",
  };
  const headersOfBatch = { ...headers, "Neon-Batch-Isolation-Level": "ReadCommitted" };

  /** Texts as JSON. To escape one takes longer than to find it here, and a text has no values that could differ. */
  const written = new Map<string, string>();
  function jsonOf({ text, values }: Query): string {
    let query = written.get(text);
    if (query === undefined) {
      query = JSON.stringify(text);
      if (written.size >= MOST_TEXTS) written.clear();
      if (query.length <= LONGEST_TEXT) written.set(text, query);
    }
    return `{"query":${query},"params":${JSON.stringify(values.map(textOf))}}`;
  }

  async function post(body: string, isBatch: boolean, limitMs: number): Promise<unknown> {
    const { fetchEndpoint } = neonConfig;
    const address =
      endpoint ?? (typeof fetchEndpoint === "string" ? fetchEndpoint : fetchEndpoint(hostname, port, undefined));
    const response = await fetch(address, {
      method: "POST",
      headers: isBatch ? headersOfBatch : headers,
      body,
      signal: AbortSignal.timeout(limitMs),
    });
    // In workerd this takes less than `json()`.
    const answer = await response.text();
    if (response.ok) return JSON.parse(answer);
    if (response.status !== 400) throw new NeonDbError(`HTTP status ${response.status}: ${answer}`);
    const { message, code } = JSON.parse(answer) as { message: string; code?: string | null };
    throw Object.assign(new NeonDbError(message), { code: code ?? undefined });
  }

  return {
    async transact(queries, limitMs) {
      const [only] = queries;
      if (only && queries.length === 1) return [rowsOf((await post(jsonOf(only), false, limitMs)) as TextRows)];
      const { results } = (await post(`{"queries":[${queries.map(jsonOf).join()}]}`, true, limitMs)) as {
        results: TextRows[];
      };
      return results.map((result): Row[] => rowsOf(result));
    },
    failureOf(error) {
      if (error instanceof NeonDbError && error.code !== undefined) return { code: error.code };
      return { tooLarge: TOO_LARGE.test(String(error)) };
    },
  };
}

/** Values travel as text. */
function textOf(value: unknown): string | null {
  switch (typeof value) {
    case "string":
      return value;
    case "number":
    case "bigint":
    case "boolean":
      return String(value);
    default:
      if (value === null || value === undefined) return null;
      if (value instanceof Date) return value.toISOString();
      // Values of other kinds have a form of their own in each driver, so statements convert them.
      throw new TypeError("a parameter must be text, a number, a boolean, a date or null");
  }
}
