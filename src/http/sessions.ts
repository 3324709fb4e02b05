/** `GET /v1/sessions`, and one of them with its calls. */
import { Hono } from "hono";
import { z } from "zod";
import { ApiError } from "../errors.ts";
import { parseTracesQuery, TRACES_PARAMETERS } from "../traces/query.ts";
import { ShownTrace } from "../traces/read.ts";
import { listSessions, readSession, Session } from "../traces/sessions.ts";
import { nextCursor } from "../wire.ts";
import type { AppEnv, Deps } from "./context.ts";
import { json, operation } from "./operation.ts";

export function sessionRoutes(deps: Deps): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  app.get(
    "/v1/sessions",
    operation(deps, {
      id: "listSessions",
      tag: "Calls",
      summary: "Sessions, the one with the latest call first",
      description: "Each adds up those of its calls that the range and the filters let through.",
      caller: "read",
      query: TRACES_PARAMETERS,
      answers: {
        200: {
          description: "A page of them.",
          content: json(z.object({ sessions: z.array(Session), next_cursor: nextCursor })),
        },
      },
    }),
    async (c) => {
      const query = parseTracesQuery(new URL(c.req.url).searchParams, deps.now());
      return c.json(await listSessions(deps.db, c.get("caller").projectId, query));
    },
  );
  app.get(
    "/v1/sessions/:id",
    operation(deps, {
      id: "getSession",
      tag: "Calls",
      summary: "One session with its calls",
      caller: "read",
      path: { id: { schema: z.string(), description: "As callers sent it.", example: "session-1" } },
      query: TRACES_PARAMETERS,
      answers: {
        200: {
          description: "Its sums, and a page of its calls, newest first.",
          content: json(Session.extend({ traces: z.array(ShownTrace), next_cursor: nextCursor })),
        },
      },
      refusals: ["not_found"],
    }),
    async (c) => {
      const query = parseTracesQuery(new URL(c.req.url).searchParams, deps.now());
      const session = await readSession(deps.db, c.get("caller").projectId, c.req.param("id"), query);
      if (session === null) throw new ApiError("not_found", "there is no such session in this range");
      return c.json(session);
    },
  );
  return app;
}
