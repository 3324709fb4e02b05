/** `GET /v1/summary`: parsed, answered from the cache or the database, with an ETag. */
import { Hono } from "hono";
import { sha256Hex } from "../digest.ts";
import { summarize } from "../summary/summarize.ts";
import { parseSummaryQuery } from "../summary/query.ts";
import { requireScope } from "./auth.ts";
import { keepAliveOf, type AppEnv, type Deps } from "./context.ts";

export function summaryRoutes(deps: Deps): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  app.get("/v1/summary", requireScope(deps, "read"), async (c) => {
    const beganMs = deps.now();
    const query = parseSummaryQuery(new URL(c.req.url).searchParams, beganMs);
    const { projectId } = c.get("caller");
    let databaseMs = 0;
    const { body, digest, state } = await deps.cache.answer(
      {
        projectId,
        question: sha256Hex(JSON.stringify({ ...query, zone: query.zone.name })),
        toMs: Math.max(query.toMs, query.compare?.toMs ?? query.toMs),
        bypass: /\bno-cache\b/i.test(c.req.header("cache-control") ?? ""),
      },
      beganMs,
      async () => {
        const summary = await summarize(deps.db, projectId, query, beganMs);
        databaseMs = deps.now() - beganMs;
        return JSON.stringify(summary);
      },
      keepAliveOf(c),
    );

    const etag = `"${digest}"`;
    c.header("X-Cache", state);
    c.header("ETag", etag);
    c.header("Cache-Control", "private, no-cache");
    c.header("Server-Timing", `cache;desc=${state}, db;dur=${databaseMs}, total;dur=${deps.now() - beganMs}`);
    if (matches(c.req.header("if-none-match"), etag)) return c.body(null, 304);
    return c.body(body, 200, { "Content-Type": "application/json" });
  });
  return app;
}

function matches(ifNoneMatch: string | undefined, etag: string): boolean {
  return (ifNoneMatch ?? "").split(",").some((tag) => tag.trim().replace(/^W\//, "") === etag || tag.trim() === "*");
}
