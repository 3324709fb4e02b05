/** `POST /v1/dead-letters/replay`: what the queue could not deliver is stored after all. */
import { Hono } from "hono";
import { z } from "zod";
import { replayDeadLetters } from "../queue/dead-letters.ts";
import { count } from "../wire.ts";
import { type AppEnv, type Deps, keepAliveOf } from "./context.ts";
import { json, operation } from "./operation.ts";

const Replayed = z
  .object({
    replayed: count.describe("Messages that are stored now."),
    failed: z.array(z.object({ id: z.string(), error: z.string() })).describe("They stay."),
    remaining: count.describe("Messages that are left, failed ones among them."),
  })
  .meta({ id: "Replayed" });

export function deadLetterRoutes(deps: Deps): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  app.post(
    "/v1/dead-letters/replay",
    operation(deps, {
      id: "replayDeadLetters",
      tag: "Operations",
      summary: "Store what the queue could not deliver",
      description:
        "At most 100 messages, those first that were not tried for longest. Calls that are stored already count no second time.",
      caller: "admin key",
      answers: {
        200: {
          description: "What became of them.",
          content: json(Replayed, { replayed: 1, failed: [], remaining: 0 }),
        },
      },
    }),
    async (c) => c.json(await replayDeadLetters(deps, keepAliveOf(c))),
  );
  return app;
}
