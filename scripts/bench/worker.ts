/** The Worker with routes of the benchmarks' own: what its answers are compared with, and its cron. */
import { createApp } from "../../src/app.ts";
import { parseConfig } from "../../src/config.ts";
import { createDeps } from "../../src/deps.ts";
import { operation } from "../../src/http/operation.ts";
import worker from "../../src/index.ts";
import { connectRedis, type RedisClient } from "../../src/redis.ts";
import { HOUR_MS } from "../../src/time.ts";

const MOST_TRIES = 10;
let redis: RedisClient | undefined;
let app: ReturnType<typeof createApp> | undefined;

/** The same app with one more route, which does no more than a cached answer must: it knows the key and asks Redis. */
function appWithKeyed(env: unknown): ReturnType<typeof createApp> {
  const deps = createDeps(parseConfig(env));
  const withKeyed = createApp(deps);
  withKeyed.get(
    "/bench/keyed",
    operation(deps, { id: "keyed", tag: "Costs", summary: "Ask Redis", caller: "read", query: {}, answers: {} }),
    async (c) => {
      for (let tries = 0; tries < MOST_TRIES; tries++) {
        const { down } = await deps.redis.getMany(["bench:epoch", "bench:value", "bench:lease"]);
        if (!down) return c.text("ok");
      }
      return c.text("Redis does not answer", 503);
    },
  );
  return withKeyed;
}

const ROUTES: Record<string, ExportedHandlerFetchHandler> = {
  "/bench/hello": async () => new Response("hello world"),

  /** A request that does no more than ask Redis once; again where it was not answered in time. */
  "/bench/mget": async (_request, env) => {
    if (!redis) {
      const { redisUrl, redisToken } = parseConfig(env);
      redis = connectRedis(redisUrl, redisToken);
    }
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const { down } = await redis.getMany(["bench:epoch", "bench:value"]);
      if (!down) return new Response("ok");
    }
    return new Response("Redis does not answer", { status: 503 });
  },

  /** A request that does no more than ask the database once: so many characters there, and so many back. */
  "/bench/fetch": async (request, env) => {
    const { NEON_FETCH_ENDPOINT: address, DATABASE_URL: url } = env as Record<string, string>;
    const { sent, answered } = Object.fromEntries(new URL(request.url).searchParams);
    const headers = { "Neon-Connection-String": url!, "Neon-Raw-Text-Output": "true" };
    const query = `select repeat('x', ${Number(answered)})${" ".repeat(Number(sent))}`;
    const answer = await fetch(address!, { method: "POST", headers, body: JSON.stringify({ query, params: [] }) });
    return new Response(await answer.text(), { status: answer.status });
  },

  "/bench/keyed": async (request, env, ctx) => {
    app ??= appWithKeyed(env);
    return await app.fetch(request, env as object, ctx);
  },

  /** Bare workerd has no clock that fires `scheduled()`. */
  "/bench/cron": (_request, env, ctx) => runCron(Date.now(), env, ctx),
  /** As in a minute that merges labels, too. */
  "/bench/cron-of-labels": (_request, env, ctx) => runCron(Math.floor(Date.now() / HOUR_MS) * HOUR_MS, env, ctx),
};

async function runCron(scheduledTime: number, env: unknown, ctx: ExecutionContext): Promise<Response> {
  await worker.scheduled({ scheduledTime, cron: "* * * * *", noRetry() {} }, env, ctx);
  return new Response("done");
}

export default {
  ...worker,
  async fetch(request, env, ctx) {
    const at = request.url.indexOf("/bench/");
    const route = at < 0 ? undefined : ROUTES[request.url.slice(at).split("?")[0]!];
    return await (route ?? worker.fetch)(request, env, ctx);
  },
} satisfies ExportedHandler;
