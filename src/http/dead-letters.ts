/**
 * `/v1/dead-letters` lists messages that the queue could not deliver, stores their calls after all, or deletes them.
 */
import type { Database } from "../db/client.ts";
import { Hono } from "hono";
import { z } from "zod";
import { log } from "../admin-log.ts";
import { ApiError } from "../errors.ts";
import type { Caller } from "../keyring.ts";
import { readParameters } from "../parameters.ts";
import { DeadLetter, deleteDeadLetter, listDeadLetters, PAGE_PARAMETERS } from "../queue/dead-letter-page.ts";
import { replayDeadLetters } from "../queue/dead-letters.ts";
import { count, nextCursor } from "../wire.ts";
import { actorOf, type AppContext, type AppEnv, type Deps, keepAliveOf, ownDeps } from "./context.ts";
import { json, operation } from "./operation.ts";

const Replayed = z
  .object({
    replayed: count.describe("How many messages were stored."),
    failed: z
      .array(z.object({ id: z.string(), error: z.string() }))
      .describe("Messages that could not be stored. They stay in the list."),
    remaining: count.describe("How many messages are left, including the failed ones."),
  })
  .meta({ id: "Replayed" });

export function deadLetterRoutes(deps: Deps): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  app.get(
    "/v1/dead-letters",
    operation(deps, {
      id: "listDeadLetters",
      tag: "Operations",
      summary: "List messages that the queue could not deliver, oldest first",
      description:
        "The calls in these messages were acknowledged, but they are not counted. An API key sees the messages of its own project; the admin key sees all.",
      caller: "admin key or scope admin",
      query: PAGE_PARAMETERS,
      answers: {
        200: {
          description: "A page of messages.",
          content: json(z.object({ dead_letters: z.array(DeadLetter), next_cursor: nextCursor })),
        },
      },
    }),
    async (c) => {
      const asked = readParameters(PAGE_PARAMETERS, new URL(c.req.url).searchParams);
      return c.json(await listDeadLetters(dbOf(deps, c), projectOf(c), asked));
    },
  );
  app.delete(
    "/v1/dead-letters/:id",
    operation(deps, {
      id: "deleteDeadLetter",
      tag: "Operations",
      summary: "Delete a message that the queue could not deliver",
      description: "The calls in the message will never be counted.",
      again: "A message that is gone is 404. So after no answer, 404 means that it is deleted.",
      caller: "admin key or scope admin",
      path: { id: { schema: z.string(), description: "The id of the message." } },
      answers: { 204: { description: "The message is deleted." } },
      refusals: ["not_found"],
    }),
    async (c) => {
      if (!(await deleteDeadLetter(dbOf(deps, c), projectOf(c), c.req.param("id"), actorOf(c))))
        throw new ApiError("not_found", "there is no such dead letter");
      return c.body(null, 204);
    },
  );
  app.post(
    "/v1/dead-letters/replay",
    operation(deps, {
      id: "replayDeadLetters",
      tag: "Operations",
      summary: "Store the calls of messages that the queue could not deliver",
      description: "A request tries at most 100 messages. It begins with those whose last try is longest ago.",
      again: "A call that is stored already is not counted again.",
      caller: "admin key",
      answers: {
        200: {
          description: "How many messages were stored, and why others were not.",
          content: json(Replayed, { replayed: 1, failed: [], remaining: 0 }),
        },
      },
    }),
    async (c) => {
      await log(deps.db, actorOf(c), "dead_letters.replayed", null);
      return c.json(await replayDeadLetters(deps, keepAliveOf(c)));
    },
  );
  return app;
}

function dbOf(deps: Deps, c: AppContext): Database {
  const projectId = projectOf(c);
  return projectId === null ? deps.db : ownDeps(deps, projectId).db;
}

/** Null for the admin key, which belongs to no project. */
function projectOf(c: AppContext): string | null {
  return (c.get("caller") as Caller | undefined)?.projectId ?? null;
}
