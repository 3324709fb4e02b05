/** `GET /v1/sessions`, and one of them with its calls. */
import { Hono } from "hono";
import { ApiError } from "../errors.ts";
import { parseTracesQuery } from "../traces/query.ts";
import { listSessions, readSession } from "../traces/sessions.ts";
import { requireScope } from "./auth.ts";
import type { AppEnv, Deps } from "./context.ts";

export function sessionRoutes(deps: Deps): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  app.get("/v1/sessions", requireScope(deps, "read"), async (c) => {
    const query = parseTracesQuery(new URL(c.req.url).searchParams, deps.now());
    return c.json(await listSessions(deps.db, c.get("caller").projectId, query));
  });
  app.get("/v1/sessions/:id", requireScope(deps, "read"), async (c) => {
    const query = parseTracesQuery(new URL(c.req.url).searchParams, deps.now());
    const session = await readSession(deps.db, c.get("caller").projectId, c.req.param("id"), query);
    if (session === null) throw new ApiError("not_found", "there is no such session in this range");
    return c.json(session);
  });
  return app;
}
