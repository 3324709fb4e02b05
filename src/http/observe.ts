/**
 * The first middleware of every request: its id, its trace, the headers that each answer has, and what observers are
 * told. It never fails a request, and never delays one.
 */
import type { MiddlewareHandler } from "hono";
import { matchedRoutes } from "hono/route";
import type { Counters } from "../telemetry/counters.ts";
import { type RequestEvent, tell } from "../telemetry/observer.ts";
import type { RunDeps } from "../telemetry/run.ts";
import { OWN_USER_AGENT, type Recorder } from "../telemetry/spans.ts";
import { createTimings, timed } from "../telemetry/timings.ts";
import { formatTraceparent, traceOf } from "../telemetry/traceparent.ts";
import { type AppContext, type AppEnv, keepAliveOf } from "./context.ts";
import { toApiError } from "./errors.ts";

/** What handlers note about a request, for its log line. */
export type Noted = Partial<Pick<RequestEvent, "errorCode" | "failure" | "bytesIn" | "counts" | "cache">> & {
  /** Set by downloads. It resolves when the last byte was taken, when the reader left, or with the failure. */
  ended?: Promise<Error | null>;
};

export interface ObserveDeps extends RunDeps {
  counters: Pick<Counters, "sendSometimes">;
}

export function observe({ now, observers, spans, counters }: ObserveDeps): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    const startMs = now();
    const uuid = crypto.randomUUID();
    const requestId = sane(c.req.header("x-request-id")) ?? uuid;
    const trace = traceOf(c.req.header("traceparent"), c.req.header("tracestate"), uuid, spans?.rate ?? 0);
    const own = c.req.header("user-agent") === OWN_USER_AGENT;
    const recorder = spans && trace.sampled && !own ? spans.record(trace) : null;
    const timings = createTimings(recorder);
    const noted: Noted = {};
    c.set("requestId", requestId);
    c.set("noted", noted);
    await timed(timings, next);

    const { headers, status } = c.res;
    const answeredMs = now() - startMs;
    headers.set("X-Request-Id", requestId);
    headers.set("X-Process-Time", String(answeredMs / 1_000));
    headers.set("X-Content-Type-Options", "nosniff");
    // Without an exporter our span does not exist, but the caller's decision still holds for what it calls.
    headers.set("traceparent", formatTraceparent(trace));
    headers.set("Server-Timing", serverTiming(timings, noted.cache, answeredMs));

    const end = (failure: Error | null): void => {
      const event: RequestEvent = {
        route: routeOf(c),
        method: methodOf(c),
        status,
        durationMs: now() - startMs,
        requestId,
        traceId: trace.traceId,
        projectId: c.get("caller")?.projectId ?? null,
        errorCode: noted.errorCode ?? (failure && toApiError(failure).code),
        failure: noted.failure ?? failure,
        bytesIn: noted.bytesIn ?? null,
        counts: noted.counts ?? null,
        cache: noted.cache ?? null,
        timings,
      };
      tell(observers, (observer) => observer.request?.(event));
      if (recorder) endSpan(recorder, c, event, startMs);
    };
    if (noted.ended) void noted.ended.then(end);
    else end(null);
    counters.sendSometimes(keepAliveOf(c));
  };
}

/** Keys and secrets of sessions are refused as ids, because ids are logged and shown. */
const SANE = /^(?!lc[ts]_)[\w.:-]{1,128}$/;

function sane(requestId: string | undefined): string | null {
  return requestId !== undefined && SANE.test(requestId) ? requestId : null;
}

function serverTiming(timings: RequestEvent["timings"], cache: string | null | undefined, totalMs: number): string {
  const { databaseMs, statements, redisMs, commands, queueMs, messages } = timings;
  return [
    ...(cache ? [`cache;desc=${cache}`] : []),
    `db;dur=${databaseMs};desc="${statements} statements"`,
    `redis;dur=${redisMs};desc="${commands} commands"`,
    ...(messages > 0 ? [`queue;dur=${queueMs};desc="${messages} messages"`] : []),
    `total;dur=${totalMs}`,
  ].join(", ");
}

/** The route's path in OpenAPI's form: `/v1/traces/:id` -> `/v1/traces/{id}`. */
function routeOf(c: AppContext): string {
  // The middleware that every request passes has the method `ALL`.
  const route = matchedRoutes(c).findLast(({ method }) => method !== "ALL");
  return route === undefined ? UNKNOWN_ROUTE : route.path.replace(/:(\w+)/g, "{$1}");
}

const UNKNOWN_ROUTE = "(unknown)";
const METHODS = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE", "QUERY"]);

function methodOf(c: AppContext): string {
  const { method } = c.req;
  return METHODS.has(method) ? method : "_OTHER";
}

/** By OpenTelemetry's conventions for HTTP servers, but without the path, which holds names of callers. */
function endSpan(recorder: Recorder, c: AppContext, event: RequestEvent, startMs: number): void {
  const { route, method, status, durationMs, requestId, projectId, errorCode, failure } = event;
  const known = route !== UNKNOWN_ROUTE;
  const errorType = status >= 500 || failure ? (errorCode ?? failure?.name ?? String(status)) : null;
  const attributes = {
    "http.request.method": method,
    "http.route": known ? route : undefined,
    "http.response.status_code": status,
    "http.request.body.size": event.bytesIn ?? undefined,
    "url.scheme": c.req.url.startsWith("https:") ? "https" : "http",
    "llm_cost.request_id": requestId,
    "llm_cost.project_id": projectId ?? undefined,
  };
  const name = known ? `${method === "_OTHER" ? "HTTP" : method} ${route}` : method === "_OTHER" ? "HTTP" : method;
  try {
    recorder.end({ name, kind: "server", startMs, endMs: startMs + durationMs, attributes, errorType }, keepAliveOf(c));
  } catch {
    // Without an execution context nothing can outlive the request.
  }
}
