/** Probes. `/healthz` touches nothing, so that it never wakes a sleeping database; `/readyz` asks both stores. */
import { Hono } from "hono";
import type { AppEnv, Deps } from "./context.ts";

export function healthRoutes(deps: Deps): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  app.get("/healthz", (c) => c.json({ status: "ok" }));
  app.get("/readyz", async (c) => {
    await deps.db.ping();
    const { down } = await deps.redis.getMany(["ready"]);
    // Redis is a cache: without it answers are slower, not wrong.
    return c.json({ status: "ok", database: "up", redis: down ? "down" : "up" });
  });
  return app;
}
