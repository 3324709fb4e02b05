/** `/v1/dead-letters`: what the queue could not deliver is listed, stored after all, or given up. */
import { Hono } from "hono";
import { z } from "zod";
import { ApiError } from "../errors.ts";
import type { Caller } from "../keys.ts";
import { readParameters } from "../parameters.ts";
import { DeadLetter, deleteDeadLetter, listDeadLetters, PAGE_PARAMETERS } from "../queue/dead-letter-page.ts";
import { replayDeadLetters } from "../queue/dead-letters.ts";
import { count, nextCursor } from "../wire.ts";
import { type AppContext, type AppEnv, type Deps, keepAliveOf } from "./context.ts";
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
  app.get(
    "/v1/dead-letters",
    operation(deps, {
      id: "listDeadLetters",
      tag: "Operations",
      summary: "What the queue could not deliver, oldest first",
      description: "Messages of calls that were acknowledged, but are not counted. A key sees those of its project.",
      caller: "admin key or scope admin",
      query: PAGE_PARAMETERS,
      answers: {
        200: {
          description: "A page of them.",
          content: json(z.object({ dead_letters: z.array(DeadLetter), next_cursor: nextCursor })),
        },
      },
    }),
    async (c) => {
      const asked = readParameters(PAGE_PARAMETERS, new URL(c.req.url).searchParams);
      return c.json(await listDeadLetters(deps.db, projectOf(c), asked));
    },
  );
  app.delete(
    "/v1/dead-letters/:id",
    operation(deps, {
      id: "deleteDeadLetter",
      tag: "Operations",
      summary: "Give up what the queue could not deliver",
      description: "Its calls will never be counted.",
      caller: "admin key or scope admin",
      path: { id: { schema: z.string(), description: "Of the message." } },
      answers: { 204: { description: "It is gone." } },
      refusals: ["not_found"],
    }),
    async (c) => {
      if (!(await deleteDeadLetter(deps.db, projectOf(c), c.req.param("id"))))
        throw new ApiError("not_found", "there is no such dead letter");
      return c.body(null, 204);
    },
  );
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

/** Null for the admin key, which is of no project. */
function projectOf(c: AppContext): string | null {
  return (c.get("caller") as Caller | undefined)?.projectId ?? null;
}
