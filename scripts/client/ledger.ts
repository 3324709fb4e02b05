/**
 * HTTP to a ledger over kept-alive connections, as cheap as Node makes it: a load test's load comes from the machine
 * that bears it, where `fetch` would take several times the CPU.
 */
import { Agent as HttpAgent, type IncomingHttpHeaders, request as httpRequest } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import type { Server } from "./server.ts";

export interface Request {
  path: string;
  /** Of a POST, JSON unless `headers` say otherwise; without one it is a GET. */
  body?: string | Uint8Array;
  headers?: Record<string, string>;
}

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

/** Disposing of it closes its connections. */
export interface Ledger extends Disposable {
  url: string;
  /** Rejects when there is no answer. */
  send(request: Request): Promise<Answer>;
}

const TIMEOUT_MS = 60_000;

/** @param timeoutMs from when a request is sent until the last byte of its answer. */
export function connect({ url, key }: Pick<Server, "url" | "key">, timeoutMs = TIMEOUT_MS): Ledger {
  const secure = url.startsWith("https:");
  const agent = new (secure ? HttpsAgent : HttpAgent)({ keepAlive: true });
  const request = secure ? httpsRequest : httpRequest;
  const { hostname, port, pathname } = new URL(url);
  const base = { agent, hostname: hostname.replace(/^\[|\]$/g, ""), port };
  const prefix = pathname.replace(/\/$/, "");
  const authorization = `Bearer ${key}`;
  return {
    url,
    send: ({ path, body, headers }) =>
      new Promise((resolve, reject) => {
        const ofBody =
          body === undefined ? {} : { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
        const outgoing = request(
          {
            ...base,
            path: prefix + path,
            method: body === undefined ? "GET" : "POST",
            headers: { authorization, ...ofBody, ...headers },
          },
          (response) => {
            const chunks: Buffer[] = [];
            response.on("data", (chunk: Buffer) => chunks.push(chunk));
            response.on("error", reject);
            response.on("end", () => {
              clearTimeout(timer);
              resolve({ status: response.statusCode ?? 0, headers: response.headers, body: whole(chunks) });
            });
          },
        );
        const timer = setTimeout(
          () => outgoing.destroy(new Error(`no answer within ${timeoutMs / 1_000} s`)),
          timeoutMs,
        );
        outgoing.on("error", (error) => {
          clearTimeout(timer);
          reject(error);
        });
        outgoing.end(body);
      }),
    [Symbol.dispose]: () => agent.destroy(),
  };
}

/** Without a copy where it came in one piece. */
function whole(chunks: Buffer[]): Buffer {
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
}
