/** The Worker with routes of the benchmarks' own: what its answers are compared with, and its cron. */
import { parseConfig } from "../../src/config.ts";
import worker from "../../src/index.ts";
import { connectRedis, type RedisClient } from "../../src/redis.ts";

const MOST_TRIES = 10;
let redis: RedisClient | undefined;

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

  /** Bare workerd has no clock that fires `scheduled()`. */
  "/bench/cron": async (_request, env, ctx) => {
    await worker.scheduled({ scheduledTime: Date.now(), cron: "* * * * *", noRetry() {} }, env, ctx);
    return new Response("done");
  },
};

export default {
  ...worker,
  async fetch(request, env, ctx) {
    const at = request.url.indexOf("/bench/");
    const route = at < 0 ? undefined : ROUTES[request.url.slice(at)];
    return await (route ?? worker.fetch)(request, env, ctx);
  },
} satisfies ExportedHandler;
