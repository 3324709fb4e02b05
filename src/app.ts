/** The HTTP app: what every request gets, the routes, and how errors answer. */
import { Hono } from "hono";
import type { Deps } from "./deps.ts";
import { ApiError } from "./errors.ts";
import { adminRoutes } from "./http/admin.ts";
import { auditRoutes } from "./http/audit.ts";
import type { AppEnv } from "./http/context.ts";
import { answerError } from "./http/errors.ts";
import { healthRoutes } from "./http/health.ts";
import { summaryRoutes } from "./http/summary.ts";
import { tracesRoutes } from "./http/traces.ts";

export function createApp(deps: Deps): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  app.use(async (c, next) => {
    const beganMs = deps.now();
    const requestId = crypto.randomUUID();
    c.set("requestId", requestId);
    await next();
    c.header("X-Request-Id", requestId);
    c.header("X-Process-Time", String((deps.now() - beganMs) / 1_000));
    c.header("X-Content-Type-Options", "nosniff");
  });
  const routes = [healthRoutes(deps), tracesRoutes(deps), summaryRoutes(deps), auditRoutes(deps), adminRoutes(deps)];
  for (const route of routes) app.route("/", route);

  const methods = new Map<string, Set<string>>();
  for (const { method, path } of app.routes) {
    if (method !== "ALL") methods.set(path, (methods.get(path) ?? new Set()).add(method));
  }
  app.notFound((c) => {
    const allowed = methods.get(c.req.path);
    if (allowed) {
      c.header("Allow", [...allowed].join(", "));
      return answerError(new ApiError("method_not_allowed", `allowed here: ${[...allowed].join(", ")}`), c);
    }
    return answerError(new ApiError("not_found", "there is nothing at this path"), c);
  });
  app.onError(answerError);
  return app;
}
