/** `GET /v1/sessions` lists sessions; `/v1/sessions/{id}` reads one with its calls. */
import { Hono } from "hono";
import { z } from "zod";
import { ApiError } from "../errors.ts";
import { parseTracesQuery, TRACES_PARAMETERS } from "../traces/query.ts";
import { ShownTrace } from "../traces/shown.ts";
import { listSessions, readSession, Session } from "../traces/sessions.ts";
import { nextCursor } from "../wire.ts";
import { type AppEnv, type Deps, ownDeps } from "./context.ts";
import { asFarAsKept } from "./kept.ts";
import { json, operation } from "./operation.ts";

export function sessionRoutes(deps: Deps): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  app.get(
    "/v1/sessions",
    operation(deps, {
      id: "listSessions",
      tag: "Calls",
      summary: "List sessions, the one with the latest call first",
      description: "A session's sums cover its calls in the range that match the filters.",
      caller: "read",
      query: TRACES_PARAMETERS,
      answers: {
        200: {
          description: "A page of sessions.",
          content: json(z.object({ sessions: z.array(Session), next_cursor: nextCursor })),
        },
      },
      refusals: ["raw_expired"],
    }),
    async (c) => {
      const { projectId } = c.get("caller");
      const page = await asFarAsKept(new URL(c.req.url).searchParams, (params) =>
        listSessions(ownDeps(deps, projectId).db, projectId, parseTracesQuery(params, deps.now(), deps.zones)),
      );
      return c.json(page);
    },
  );
  app.get(
    "/v1/sessions/:id",
    operation(deps, {
      id: "getSession",
      tag: "Calls",
      summary: "Read one session with its calls",
      caller: "read",
      path: { id: { schema: z.string(), description: "The session id that callers sent.", example: "session-1" } },
      query: TRACES_PARAMETERS,
      answers: {
        200: {
          description: "The session's sums and a page of its calls, newest first.",
          content: json(Session.extend({ traces: z.array(ShownTrace), next_cursor: nextCursor })),
        },
      },
      refusals: ["not_found", "raw_expired"],
    }),
    async (c) => {
      const { projectId } = c.get("caller");
      const session = await asFarAsKept(new URL(c.req.url).searchParams, (params) =>
        readSession(
          ownDeps(deps, projectId).db,
          projectId,
          c.req.param("id"),
          parseTracesQuery(params, deps.now(), deps.zones),
        ),
      );
      if (session === null) throw new ApiError("not_found", "there is no such session in this range");
      return c.json(session);
    },
  );
  return app;
}
