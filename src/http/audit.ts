/** `GET /v1/audit`: rollup against the stored traces, per UTC day. */
import { Hono } from "hono";
import { ApiError } from "../errors.ts";
import { audit } from "../rollup/audit.ts";
import { parseRange } from "../summary/query.ts";
import { requireScope } from "./auth.ts";
import type { AppEnv, Deps } from "./context.ts";

export function auditRoutes(deps: Deps): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  app.get("/v1/audit", requireScope(deps, "read"), async (c) => {
    const params = new URL(c.req.url).searchParams;
    for (const name of params.keys()) {
      if (!["from", "to", "tz"].includes(name))
        throw new ApiError("invalid_parameter", `${name}: unknown parameter; known are from, to and tz`, {
          parameter: name,
        });
    }
    const { fromMs, toMs } = parseRange(params, deps.now());
    return c.json(await audit(deps.db, c.get("caller").projectId, fromMs, toMs));
  });
  return app;
}
