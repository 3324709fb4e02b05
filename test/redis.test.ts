import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import { expect, it, onTestFinished } from "vitest";
import { listenHttp, readBody } from "../scripts/local/http-server.ts";
import { connectRedis } from "../src/redis.ts";
import { redis } from "./ledger.ts";

interface Asked {
  headers: IncomingHttpHeaders;
  body: unknown;
}

/** Answers each command with the next of these replies. */
async function answering(...replies: { status?: number; body?: string; syncToken?: string; never?: true }[]) {
  const asked: Asked[] = [];
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    asked.push({ headers: request.headers, body: JSON.parse(String(await readBody(request, 1_000))) });
    const { status = 200, body = '{"result":"OK"}', syncToken, never } = replies[asked.length - 1]!;
    if (!never) response.writeHead(status, syncToken ? { "Upstash-Sync-Token": syncToken } : {}).end(body);
  };
  const server = await listenHttp((request, response) => void answer(request, response));
  onTestFinished(server.close);
  return { asked, redis: connectRedis(`${server.url}/`, "secret", 300) };
}

it("sends a command as Upstash takes it, with the token and what is known of earlier writes", async () => {
  const { asked, redis } = await answering({ syncToken: "after-1" }, { body: '{"result":["a",null]}' }, {});
  await redis.set("k", "v", 50);
  expect(await redis.getMany(["k", "none"])).toEqual({ down: false, value: ["a", null] });
  await redis.setIfAbsent("k", "w");
  expect(asked.map(({ body }) => body)).toEqual([
    ["set", "k", "v", "px", 50],
    ["mget", "k", "none"],
    ["set", "k", "w", "nx"],
  ]);
  // The second reply had no token, so the third command has none.
  expect(asked.map(({ headers }) => headers["upstash-sync-token"])).toEqual(["", "after-1", ""]);
  expect(asked[0]!.headers).toMatchObject({ authorization: "Bearer secret", "content-type": "application/json" });
});

it.each([
  ["an error", { body: '{"error":"READONLY"}' }],
  ["a status that is no success", { status: 500, body: '{"result":"OK"}' }],
  ["a body that is no JSON", { body: "<html>" }],
  ["a body without a result", { body: "{}" }],
  ["a reply that does not come in time", { never: true as const }],
])("is down for a command with %s, and not for the next one", async (_, reply) => {
  const { redis } = await answering(reply, {});
  expect([await redis.take("k"), await redis.take("k")]).toEqual([{ down: true }, { down: false, value: "OK" }]);
});

it("is down where nothing listens", async () => {
  expect(await connectRedis("http://127.0.0.1:9", "any").getMany(["k"])).toEqual({ down: true });
});

it("reads hashes, and adds to one once for each id", async () => {
  const key = `test:${crypto.randomUUID()}`;
  const limit = { most: 2, rest: "rest" };
  const increments = new Map([
    ["a", 1],
    ["b", 2],
    ["c", 4],
  ]);
  expect(await redis().fields(key)).toEqual({ down: false, value: {} });
  await redis().add(key, "once", increments, limit);
  await redis().add(key, "once", increments, limit);
  expect(await redis().fields(key)).toEqual({ down: false, value: { a: "1", b: "2", rest: "4" } });
});
