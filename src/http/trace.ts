/** `GET /v1/traces`, and one trace: read with its receipt, or taken out. */
import { Hono } from "hono";
import { ApiError } from "../errors.ts";
import { startOfKey } from "../ingest/key.ts";
import { announceChange } from "../rollup/announce.ts";
import { deleteTrace } from "../traces/delete.ts";
import { parseTraceId, parseTracesQuery } from "../traces/query.ts";
import { listTraces, readTrace } from "../traces/read.ts";
import { requireScope } from "./auth.ts";
import { type AppEnv, type Deps, keepAliveOf } from "./context.ts";

export function traceRoutes(deps: Deps): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  app.get("/v1/traces", requireScope(deps, "read"), async (c) => {
    const query = parseTracesQuery(new URL(c.req.url).searchParams, deps.now());
    return c.json(await listTraces(deps.db, c.get("caller").projectId, query));
  });
  app.get("/v1/traces/:id", requireScope(deps, "read"), async (c) => {
    const id = parseTraceId(c.req.param("id"));
    const trace = id === null ? null : await readTrace(deps.db, c.get("caller").projectId, id);
    if (trace === null) throw new ApiError("not_found", "there is no such trace");
    return c.json(trace);
  });
  app.delete("/v1/traces/:id", requireScope(deps, "admin"), async (c) => {
    const id = parseTraceId(c.req.param("id"));
    const { projectId } = c.get("caller");
    if (id === null) throw new ApiError("not_found", "there is no such trace");
    try {
      if (!(await deleteTrace(deps.db, projectId, id))) throw new ApiError("not_found", "there is no such trace");
    } finally {
      // Also after a failure: its answer may have been lost after it was done.
      await announceChange(deps, projectId, startOfKey(id), keepAliveOf(c));
    }
    return c.body(null, 204);
  });
  return app;
}
