/** A server of catalogue documents on 127.0.0.1, and a Redis of the test's own. */
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";
import type { RedisClient } from "../../src/redis.ts";

export async function serve(answer: RequestListener): Promise<string> {
  const server = createServer(answer).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/data.json`;
}

/** What other tests do is not seen here. */
export function ownRedis(): RedisClient {
  const values = new Map<string, string>();
  const done = { down: false as const, value: undefined };
  return {
    getMany: async (keys) => ({ down: false, value: keys.map((key) => values.get(key) ?? null) }),
    async set(key, value) {
      values.set(key, value);
      return done;
    },
    async setIfAbsent(key, value) {
      if (!values.has(key)) values.set(key, value);
      return done;
    },
    async take(key) {
      const value = values.get(key) ?? null;
      values.delete(key);
      return { down: false, value };
    },
  };
}
