/** A server that takes traces as the ledger does, each identity once, and fails when told to. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";

interface Sent {
  id: string;
  timestamp: string;
  input_tokens?: number;
}

export interface Failure {
  status: number;
  headers?: Record<string, string>;
  body?: unknown;
}

export interface FakeLedger extends AsyncDisposable {
  url: string;
  calls: Map<string, Sent>;
  /** How many traces came with each request, also with those that failed. */
  requests: number[];
  /** Asked before each request is taken; `"cut"` breaks the connection after the traces are stored. */
  fail: (request: number) => Failure | "cut" | undefined;
}

export async function startFakeLedger(): Promise<FakeLedger> {
  const calls = new Map<string, Sent>();
  const requests: number[] = [];
  const server = createServer((request, response) => void answer(request, response));

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const traces = (await json(request)) as Sent[];
    requests.push(traces.length);
    const failure = ledger.fail(requests.length);
    if (failure !== undefined && failure !== "cut") {
      response.writeHead(failure.status, failure.headers).end(JSON.stringify(failure.body ?? {}));
      return;
    }
    const before = calls.size;
    for (const trace of traces) calls.set(`${trace.id} ${trace.timestamp}`, trace);
    const inserted = calls.size - before;
    if (failure === "cut") return void response.destroy();
    const accepted = traces.length;
    response.end(JSON.stringify({ accepted, inserted, duplicates: accepted - inserted, rejected: 0, errors: [] }));
  }

  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const ledger: FakeLedger = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    requests,
    fail: () => undefined,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return ledger;
}
