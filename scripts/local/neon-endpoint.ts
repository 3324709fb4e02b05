/**
 * Neon's SQL over HTTP (`POST /sql`), in front of an ordinary Postgres: what `@neondatabase/serverless` talks to.
 *
 * Like Neon's proxy: one statement, or a batch as one transaction; the connection string of the header decides user,
 * password and database; 10 MB each way; 15 s; database errors are 400 with Postgres' fields, a failed connection 500,
 * and one that is lost in mid-query 400 without a code. Values travel as text only (`Neon-Raw-Text-Output: true`).
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { connect } from "node:net";
import pg from "pg";
import { listenHttp, readBody } from "./http-server.ts";
import { readWork, type Work } from "./neon-request.ts";
import { runStatements, type Statement } from "./neon-statements.ts";

const maxBytes = 10 * 1024 * 1024;
const limitSeconds = 15;
const graceMs = 1_000;
const poolSize = 50;
/** Neon's proxy keeps an idle connection as long. A new one costs Postgres some 50 ms, for its caches and plans. */
const idleMs = 300_000;

/**
 * What a test may do to a request: `refuse` answers 500 before anything ran, `swallow` runs it and cuts the connection
 * instead of answering, `hang` never answers.
 */
export type Fault = "refuse" | "swallow" | "hang";

export interface NeonEndpointOptions {
  /** The only server that callers may be connected to: its host and port. */
  databaseUrl: string;
  port?: number;
  host?: string;
  /** Asked for every request that can be read. */
  fault?: (statements: readonly Statement[]) => Fault | undefined;
}

interface Answer {
  status: number;
  body: string;
}

/** `url` is the whole address for `neonConfig.fetchEndpoint`, with `/sql`. */
export async function startNeonEndpoint(
  options: NeonEndpointOptions,
): Promise<{ url: string; close(): Promise<void> }> {
  const server = serverOf(options.databaseUrl);
  const pools = new Map<string, pg.Pool>();

  const poolFor = (connectionString: string): pg.Pool => {
    let pool = pools.get(connectionString);
    if (!pool) {
      pool = makePool(connectionString);
      pools.set(connectionString, pool);
    }
    return pool;
  };
  const forget = (connectionString: string): void => {
    const pool = pools.get(connectionString);
    pools.delete(connectionString);
    void pool?.end();
  };

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<Answer | undefined> => {
    if (request.method !== "POST" || request.url !== "/sql") return problem(404, "not found: POST /sql");
    const body = await readBody(request, maxBytes);
    if (!body) return problem(413, `request is too large (max is ${maxBytes} bytes)`);
    const { headers } = request;
    const connectionString = String(headers["neon-connection-string"] ?? "");
    if (serverOf(connectionString) !== server) {
      return problem(400, `this endpoint serves ${server} only: check the connection string`);
    }
    if (headers["neon-raw-text-output"] !== "true") return problem(400, "Neon-Raw-Text-Output must be true");
    const work = readWork(body, headers);
    if (typeof work === "string") return problem(400, work);

    const fault = options.fault?.(work.statements);
    if (fault === "refuse") return problem(500, "refused by a test");
    if (fault === "hang") return undefined;
    const result = await run(poolFor(connectionString), work, response, () => forget(connectionString));
    if (fault === "swallow") response.destroy();
    return result;
  };

  const http = await listenHttp(
    (request, response) => {
      answer(request, response)
        .catch((error: Error) => problem(500, error.message))
        .then((result) => result && send(response, result));
    },
    options.port,
    options.host,
  );
  return {
    url: `${http.url}/sql`,
    close: async () => {
      await http.close();
      await Promise.all([...pools.values()].map((pool) => pool.end()));
    },
  };
}

/** Runs the work on a connection of the pool, for at most 15 s, and stops it when the caller goes away. */
async function run(
  pool: pg.Pool,
  work: Work,
  response: ServerResponse,
  forgetPool: () => void,
): Promise<Answer | undefined> {
  let client: pg.PoolClient;
  try {
    client = await pool.connect();
  } catch (error) {
    const { code } = error as { code?: string };
    // Class 28 and 3D: wrong user, password or database, which are the caller's fault.
    const isCallers = /^(28|3D)/.test(code ?? "");
    if (isCallers) forgetPool();
    return databaseError(isCallers ? 400 : 500, error as Error);
  }
  if (response.destroyed) {
    client.release();
    return undefined;
  }

  let stopped: "time" | "size" | "gone" | undefined;
  let kill: NodeJS.Timeout | undefined;
  const stop = (reason: typeof stopped): void => {
    if (stopped) return;
    stopped = reason;
    cancel(client);
    // A server that hangs does not cancel either: give the connection up.
    kill = setTimeout(() => wireOf(client).connection.stream.destroy(), graceMs);
  };
  const limit = setTimeout(stop, limitSeconds * 1_000, "time");
  const onClose = (): void => stop("gone");
  response.once("close", onClose);
  try {
    const results = await runStatements(client, work.statements, {
      begin: work.begin,
      maxChars: maxBytes,
      onTooLarge: () => stop("size"),
    });
    if (stopped === "size") return tooLarge();
    const body = work.batch ? `{"results":[${results.join(",")}]}` : (results[0] ?? "");
    return body.length > maxBytes ? tooLarge() : { status: 200, body };
  } catch (error) {
    if (stopped === "size") return tooLarge();
    if (stopped === "time")
      return problem(504, `HTTP-Connection timed out, execution time exceeded ${limitSeconds} seconds`);
    return databaseError(400, error as Error);
  } finally {
    clearTimeout(limit);
    clearTimeout(kill);
    response.off("close", onClose);
    await giveBack(client, stopped !== undefined);
  }
}

/** A connection that was cancelled is not used again: the cancel may arrive late and hit the next caller's query. */
async function giveBack(client: pg.PoolClient, cancelled: boolean): Promise<void> {
  const { _txStatus: status, _queryable: usable } = wireOf(client);
  if (cancelled || !usable) return client.release(true);
  if (status === "I") return client.release();
  await client.query("ROLLBACK").then(
    () => client.release(),
    () => client.release(true),
  );
}

/** What pg keeps to itself and a proxy needs: how to cancel, and whether a transaction is open. */
interface ClientInternals {
  processID: number;
  secretKey: number;
  host: string;
  port: number;
  _txStatus: "I" | "T" | "E" | null;
  _queryable: boolean;
  connection: { stream: { destroy(): void } };
}

function wireOf(client: pg.PoolClient): ClientInternals {
  return client as unknown as ClientInternals;
}

// Postgres takes a cancel request over a connection of its own.
function cancel(client: pg.PoolClient): void {
  const { processID, secretKey, host, port } = wireOf(client);
  const request = Buffer.alloc(16);
  request.writeInt32BE(16, 0);
  request.writeInt32BE(80_877_102, 4);
  request.writeInt32BE(processID, 8);
  request.writeInt32BE(secretKey, 12);
  const socket = connect(port, host, () => socket.end(request));
  socket.on("error", () => {});
}

function makePool(connectionString: string): pg.Pool {
  const pool = new pg.Pool({
    connectionString,
    max: poolSize,
    idleTimeoutMillis: idleMs,
    connectionTimeoutMillis: limitSeconds * 1_000,
  });
  // Lost connections are reported by the query that used them; idle ones simply leave the pool.
  pool.on("error", () => {});
  pool.on("connect", (client) => client.on("error", () => {}));
  return pool;
}

/** `host:port` of a connection string; empty when it is none. */
function serverOf(connectionString: string): string {
  if (!URL.canParse(connectionString)) return "";
  const { hostname, port } = new URL(connectionString);
  return `${hostname}:${port || "5432"}`;
}

const errorFields = [
  "code",
  "detail",
  "hint",
  "position",
  "internalPosition",
  "internalQuery",
  "severity",
  "where",
  "table",
  "column",
  "schema",
  "dataType",
  "constraint",
  "file",
  "line",
  "routine",
] as const;

// Only what Postgres itself said has a severity; of other errors (sockets) the message is all that is told.
function databaseError(status: number, error: Error): Answer {
  const said = error as unknown as Record<string, string | undefined>;
  const isPostgres = said["severity"] !== undefined;
  const fields = errorFields.map((field) => [field, (isPostgres ? said[field] : null) ?? null]);
  return { status, body: JSON.stringify({ message: error.message, ...Object.fromEntries(fields) }) };
}

function problem(status: number, message: string): Answer {
  return { status, body: JSON.stringify({ message, code: null }) };
}

function tooLarge(): Answer {
  return problem(507, `response is too large (max is ${maxBytes} bytes)`);
}

function send(response: ServerResponse, { status, body }: Answer): void {
  if (response.destroyed) return;
  response.writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(body) });
  response.end(body);
}
