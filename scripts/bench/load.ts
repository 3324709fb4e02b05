/** A closed loop of HTTP requests over kept-alive connections, as cheap as Node makes it. */
import { Agent, request } from "node:http";

/** Of a POST; without one a request is a GET. */
export type Body = string | Uint8Array | undefined;

export interface Load {
  url: string;
  headers: Record<string, string>;
  /** One a request, taken in order; the loop ends when they do. */
  bodies: Iterator<Body>;
  connections: number;
}

export interface LoadResult {
  requests: number;
  seconds: number;
  /** Milliseconds, ascending. */
  latenciesMs: number[];
}

/** @throws when any answer is not 200. */
export async function runLoad({ url, headers, bodies, connections }: Load): Promise<LoadResult> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const latenciesMs: number[] = [];
  const began = performance.now();
  const loop = async (): Promise<void> => {
    for (let next = bodies.next(); !next.done; next = bodies.next()) {
      const sent = performance.now();
      const { status, text } = await send(agent, url, headers, next.value);
      if (status !== 200) throw new Error(`${url}: ${status}: ${text.slice(0, 300)}`);
      latenciesMs.push(performance.now() - sent);
    }
  };
  try {
    await Promise.all(Array.from({ length: connections }, loop));
  } finally {
    agent.destroy();
  }
  return {
    requests: latenciesMs.length,
    seconds: (performance.now() - began) / 1_000,
    latenciesMs: latenciesMs.sort((a, b) => a - b),
  };
}

function send(
  agent: Agent,
  url: string,
  headers: Record<string, string>,
  body: Body,
): Promise<{ status: number; text: string }> {
  const post = { agent, method: "POST", headers: { ...headers, "content-length": Buffer.byteLength(body ?? "") } };
  return new Promise((resolve, reject) => {
    const outgoing = request(url, body === undefined ? { agent, headers } : post, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part: string) => (text += part));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
      response.on("error", reject);
    });
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}
