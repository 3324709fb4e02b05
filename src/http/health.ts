/** Probes. `/healthz` asks no store, so it never wakes a sleeping database. `/readyz` asks the database and Redis. */
import { Hono } from "hono";
import { z } from "zod";
import type { AppEnv, Deps } from "./context.ts";
import { json, operation } from "./operation.ts";

const Health = z.object({ status: z.literal("ok") });
const Readiness = Health.extend({ database: z.literal("up"), redis: z.enum(["up", "down"]) });

export function healthRoutes(deps: Deps): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  app.get(
    "/healthz",
    operation(deps, {
      id: "getHealth",
      tag: "Operations",
      summary: "Check that the Worker answers",
      description: "The check asks no store, so it never wakes a sleeping database.",
      caller: "anyone",
      answers: { 200: { description: "The Worker answers.", content: json(Health, { status: "ok" }) } },
    }),
    (c) => c.json({ status: "ok" }),
  );
  app.get(
    "/readyz",
    operation(deps, {
      id: "getReadiness",
      tag: "Operations",
      summary: "Check that the database and Redis answer",
      caller: "anyone",
      answers: {
        200: {
          description: "The database answers. Redis is only a cache: without it, answers are slower but not wrong.",
          content: json(Readiness, { status: "ok", database: "up", redis: "up" }),
        },
      },
      refusals: ["database_unavailable"],
    }),
    async (c) => {
      await deps.db.ping();
      const { down } = await deps.redis.getMany(["ready"]);
      return c.json({ status: "ok", database: "up", redis: down ? "down" : "up" });
    },
  );
  return app;
}
