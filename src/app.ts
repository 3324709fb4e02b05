/** The HTTP app: the headers of every answer, the routes, and the answers to unknown paths and methods. */
import { Hono } from "hono";
import { ApiError } from "./errors.ts";
import { adminLogRoutes } from "./http/admin-log.ts";
import { adminRoutes } from "./http/admin.ts";
import { auditRoutes } from "./http/audit.ts";
import type { AppEnv, Deps } from "./http/context.ts";
import { coverageRoutes } from "./http/coverage.ts";
import { databaseRoutes } from "./http/database.ts";
import { requireAdminKey } from "./http/auth.ts";
import { deadLetterRoutes } from "./http/dead-letters.ts";
import { docsRoutes } from "./http/docs.ts";
import { answerError } from "./http/errors.ts";
import { doubleRoutes } from "./http/doubles.ts";
import { exportRoutes } from "./http/export.ts";
import { explainRoutes } from "./http/explain.ts";
import { healthRoutes } from "./http/health.ts";
import { litellmRoutes } from "./http/litellm.ts";
import { logsRoutes } from "./http/logs.ts";
import { metricsRoutes } from "./http/metrics.ts";
import { observe } from "./http/observe.ts";
import { openApiRoutes } from "./http/openapi.ts";
import { otlpMetricsRoutes } from "./http/otlp-metrics.ts";
import { pageRoutes } from "./http/page.ts";
import { pageSessionRoutes } from "./http/page-session.ts";
import { planRoutes } from "./http/plans.ts";
import { priceCheckRoutes } from "./http/price-checks.ts";
import { pricesRoutes } from "./http/prices.ts";
import { repairRoutes } from "./http/repair.ts";
import { repriceRoutes } from "./http/reprice.ts";
import { sessionRoutes } from "./http/sessions.ts";
import { stateRoutes } from "./http/state.ts";
import { summaryRoutes } from "./http/summary.ts";
import { traceRoutes } from "./http/trace.ts";
import { traceTreeRoutes } from "./http/trace-tree.ts";
import { tracesRoutes } from "./http/traces.ts";
import { userRoutes } from "./http/users.ts";
import { valueRoutes } from "./http/values.ts";
import { viewRoutes } from "./http/views.ts";

export function createApp(deps: Deps): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  app.use(observe(deps));
  // Whatever a route below it says of itself.
  app.use("/v1/admin/*", requireAdminKey(deps));
  const routes = [
    healthRoutes(deps),
    docsRoutes(deps),
    pageRoutes(deps),
    tracesRoutes(deps),
    logsRoutes(deps),
    otlpMetricsRoutes(deps),
    litellmRoutes(deps),
    traceRoutes(deps),
    traceTreeRoutes(deps),
    doubleRoutes(deps),
    sessionRoutes(deps),
    summaryRoutes(deps),
    explainRoutes(deps),
    coverageRoutes(deps),
    exportRoutes(deps),
    auditRoutes(deps),
    repairRoutes(deps),
    pricesRoutes(deps),
    priceCheckRoutes(deps),
    planRoutes(deps),
    repriceRoutes(deps),
    adminRoutes(deps),
    pageSessionRoutes(deps),
    databaseRoutes(deps),
    stateRoutes(deps),
    userRoutes(deps),
    adminLogRoutes(deps),
    deadLetterRoutes(deps),
    valueRoutes(deps),
    viewRoutes(deps),
    metricsRoutes(deps),
  ];
  for (const route of routes) app.route("/", route);
  openApiRoutes(deps, app);

  app.notFound((c) => {
    const allowed = METHODS.filter((method) => answers(app, method, c.req.path)).join(", ");
    if (allowed === "") return answerError(new ApiError("not_found", "there is no route at this path"), c);
    c.header("Allow", allowed);
    return answerError(new ApiError("method_not_allowed", `this path allows ${allowed}`), c);
  });
  app.onError(answerError);
  return app;
}

const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"];

/**
 * True if a route has this method. The middleware that every request passes has the method `ALL` and does not count.
 */
function answers(app: Hono<AppEnv>, method: string, path: string): boolean {
  return app.router.match(method, path)[0].some(([[, route]]) => route.method === method);
}
