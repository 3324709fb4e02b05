/** Probes. `/healthz` asks no store, so it never wakes a sleeping database. `/readyz` asks the database and Redis. */
import { Hono } from "hono";
import { z } from "zod";
import { readCheck } from "../catalogue/check.ts";
import { type AppEnv, type Deps, keepAliveOf } from "./context.ts";
import { json, operation } from "./operation.ts";

const Health = z.object({ status: z.literal("ok") });
const Readiness = Health.extend({
  database: z.literal("up"),
  redis: z.enum(["up", "down"]),
  catalogue: z.string().describe("The version of the price catalogue that new calls are priced by."),
  catalogue_refused: z
    .string()
    .nullable()
    .describe("Why the last newer catalogue was refused. Null if it was not, or if Redis is down."),
});

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
          description:
            "The database answers. Redis is only a cache: without it, answers are slower but not wrong. A refused catalogue changes nothing: the one in use holds on.",
          content: json(Readiness, {
            status: "ok",
            database: "up",
            redis: "up",
            catalogue: "0.1.8.20261128-3f2a91c07d4e",
            catalogue_refused: null,
          }),
        },
      },
      refusals: ["database_unavailable"],
    }),
    async (c) => {
      await deps.db.ping();
      const check = await readCheck(deps.redis);
      const { version } = await deps.catalogue.get(deps.now(), keepAliveOf(c));
      return c.json({
        status: "ok",
        database: "up",
        redis: check.down ? "down" : "up",
        catalogue: version,
        catalogue_refused: check.down ? null : check.value.refused,
      });
    },
  );
  return app;
}
