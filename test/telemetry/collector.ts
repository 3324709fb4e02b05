/** A stand-in for an OpenTelemetry collector: takes OTLP as JSON, checks its form, and keeps the spans. */
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { readJsonSpans } from "../../src/ingest/decode/otlp/json.ts";

/** A span as it was sent, its attributes as an object. */
export interface Collected {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  traceState?: string;
  name: string;
  kind: number;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  status: { code?: number };
  attributes: Record<string, string | number>;
}

interface Sent extends Omit<Collected, "attributes"> {
  attributes: { key: string; value: { stringValue?: string; intValue?: string } }[];
}

export interface Collector {
  /** Without a path, as the variable has it. */
  endpoint: string;
  spans: Collected[];
  /** One for each request. */
  requests: { url: string; headers: IncomingHttpHeaders; body: string }[];
  close(): Promise<void>;
}

/** @param answer the status of each answer; `hang` gives none. */
export async function startCollector(answer: () => number | "hang" = () => 200): Promise<Collector> {
  const spans: Collected[] = [];
  const requests: Collector["requests"] = [];
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      const body = Buffer.concat(parts).toString();
      requests.push({ url: request.url ?? "", headers: request.headers, body });
      const status = answer();
      if (status === "hang") return;
      if (status === 200) spans.push(...spansOf(body));
      response.writeHead(status, { "content-type": "application/json" }).end("{}");
    });
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    requests,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** @throws Error if the ledger's own decoder would refuse one of them. */
function spansOf(body: string): Collected[] {
  const value = JSON.parse(body) as { resourceSpans: { scopeSpans: { spans: Sent[] }[] }[] };
  const read = readJsonSpans(value, Infinity);
  const sent = value.resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans));
  return sent.map((span, i) => {
    const decoded = read[i];
    if (decoded === undefined || decoded instanceof Error) throw new Error(`not OTLP: ${JSON.stringify(span)}`);
    const attributes = span.attributes.map(({ key, value: { stringValue, intValue } }) => [
      key,
      stringValue ?? Number(intValue),
    ]);
    return { ...span, attributes: Object.fromEntries(attributes) as Collected["attributes"] };
  });
}
