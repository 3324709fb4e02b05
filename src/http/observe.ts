/**
 * The first middleware of every request: its id, the headers that each answer has, and what observers are told. It
 * never fails a request.
 */
import type { MiddlewareHandler } from "hono";
import { matchedRoutes } from "hono/route";
import { tell } from "../telemetry/observer.ts";
import { createTimings, timed } from "../telemetry/timings.ts";
import type { AppContext, AppEnv, Deps } from "./context.ts";

export function observe({ now, observers }: Pick<Deps, "now" | "observers">): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    const beganMs = now();
    const requestId = crypto.randomUUID();
    const timings = createTimings();
    c.set("requestId", requestId);
    await timed(timings, next);
    const durationMs = now() - beganMs;
    const { headers, status } = c.res;
    headers.set("X-Request-Id", requestId);
    headers.set("X-Process-Time", String(durationMs / 1_000));
    headers.set("X-Content-Type-Options", "nosniff");
    const projectId = c.get("caller")?.projectId ?? null;
    const event = { route: routeOf(c), method: methodOf(c), status, durationMs, requestId, projectId };
    tell(observers, (observer) => observer.request?.(event));
  };
}

/** The route's path in OpenAPI's form: `/v1/traces/:id` -> `/v1/traces/{id}`. */
export function routeOf(c: AppContext): string {
  // The middleware that every request passes has the method `ALL`.
  const route = matchedRoutes(c).findLast(({ method }) => method !== "ALL");
  return route === undefined ? "(unknown)" : route.path.replace(/:(\w+)/g, "{$1}");
}

const METHODS = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE", "QUERY"]);

function methodOf(c: AppContext): string {
  return METHODS.has(c.req.method) ? c.req.method : "_OTHER";
}
