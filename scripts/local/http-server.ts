/** What the local endpoints share: a node:http server on 127.0.0.1 with keep-alive, and bodies read up to a cap. */
import { createServer, type IncomingMessage, type RequestListener } from "node:http";
import { listen } from "./listen.ts";

export interface HttpEndpoint {
  /** Without a trailing slash: `http://127.0.0.1:40123`. */
  url: string;
  close(): Promise<void>;
}

/** Listens on `port` (0: any free one). Closing cuts open connections. */
export async function listenHttp(handler: RequestListener, port = 0, host = "127.0.0.1"): Promise<HttpEndpoint> {
  const server = createServer(handler);
  // Callers pool their connections: one that is cut while idle shows up there as a failed request.
  server.keepAliveTimeout = 0;
  server.requestTimeout = 0;
  const actualPort = await listen(server, port, host);
  return {
    url: `http://${host}:${actualPort}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** The whole body, or undefined once it grows past `maxBytes` (the rest is discarded as it arrives). */
export function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    request.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > maxBytes) {
        chunks.length = 0;
        resolve(undefined);
      } else {
        chunks.push(chunk);
      }
    });
    request.on("end", () => resolve(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)));
    request.on("error", reject);
    request.on("close", () => reject(new Error("the caller went away")));
  });
}
