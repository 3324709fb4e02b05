/** HTTP as cheap as Node makes it, over kept-alive connections: the load comes from the machine that bears it. */
import { Agent as HttpAgent, request as httpRequest } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import type { Server } from "../import/server.ts";

export interface Answer {
  status: number;
  text: string;
}

export interface Client {
  /** @param body of a POST; without one it is a GET. */
  send(path: string, body?: string): Promise<Answer>;
  close(): void;
}

/** @param timeoutMs from when it is sent until the last byte. */
export function createClient({ url, key }: Server, timeoutMs: number): Client {
  const secure = url.startsWith("https:");
  const agent = new (secure ? HttpsAgent : HttpAgent)({ keepAlive: true });
  const request = secure ? httpsRequest : httpRequest;
  const { hostname, port, pathname } = new URL(url);
  const base = { agent, hostname: hostname.replace(/^\[|\]$/g, ""), port };
  const prefix = pathname === "/" ? "" : pathname;
  const authorization = `Bearer ${key}`;
  return {
    send: (path, body) =>
      new Promise((resolve, reject) => {
        const outgoing = request(
          body === undefined
            ? { ...base, path: prefix + path, headers: { authorization } }
            : {
                ...base,
                path: prefix + path,
                method: "POST",
                headers: {
                  authorization,
                  "content-type": "application/json",
                  "content-length": Buffer.byteLength(body),
                },
              },
          (response) => {
            let text = "";
            response.setEncoding("utf8").on("data", (part: string) => (text += part));
            response.on("error", reject);
            response.on("end", () => {
              clearTimeout(timer);
              resolve({ status: response.statusCode ?? 0, text });
            });
          },
        );
        const timer = setTimeout(() => outgoing.destroy(new Error(`no answer in ${timeoutMs} ms`)), timeoutMs);
        outgoing.on("error", (error) => {
          clearTimeout(timer);
          reject(error);
        });
        outgoing.end(body);
      }),
    close: () => agent.destroy(),
  };
}
