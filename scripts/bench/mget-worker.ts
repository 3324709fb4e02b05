/** The Worker with one more route, `/bench/mget`: what a request costs that does no more than ask Redis once. */
import { parseConfig } from "../../src/config.ts";
import worker from "../../src/index.ts";
import { connectRedis, type RedisClient } from "../../src/redis.ts";

let redis: RedisClient | undefined;

export default {
  ...worker,
  async fetch(request, env, ctx) {
    if (!request.url.endsWith("/bench/mget")) return await worker.fetch(request, env, ctx);
    if (!redis) {
      const { redisUrl, redisToken } = parseConfig(env);
      redis = connectRedis(redisUrl, redisToken);
    }
    const { down } = await redis.getMany(["bench:epoch", "bench:value"]);
    return new Response("ok", { status: down ? 503 : 200 });
  },
} satisfies ExportedHandler;
