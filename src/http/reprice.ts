/** `POST /v1/reprice`: what today's prices would change in the past, or the job that changes it. */
import { Hono } from "hono";
import { z } from "zod";
import { ApiError } from "../errors.ts";
import { foretell, openJob, readJob, runJobs } from "../reprice/job.ts";
import type { RepriceScope } from "../reprice/step.ts";
import { parseRange } from "../summary/query.ts";
import { parseTraceId } from "../traces/query.ts";
import { requireScope } from "./auth.ts";
import { parseBody } from "./body.ts";
import { type AppEnv, type Deps, keepAliveOf } from "./context.ts";

const names = z.union([z.string().min(1).max(512), z.array(z.string().min(1).max(512)).max(100)]).default([]);
const instant = z.union([z.string(), z.int()]).transform(String);
const body = z.strictObject({
  from: instant,
  to: instant,
  tz: z.string().default("UTC"),
  provider: names,
  model: names,
  unpriced_only: z.boolean().default(false),
  /** Only tell what would change. */
  dry_run: z.boolean().default(true),
});

export function repriceRoutes(deps: Deps): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  app.post("/v1/reprice", requireScope(deps, "admin"), async (c) => {
    const asked = await parseBody(c.req.raw, body);
    const { fromMs, toMs } = parseRange(
      new URLSearchParams({ from: asked.from, to: asked.to, tz: asked.tz }),
      deps.now(),
    );
    const scope: RepriceScope = {
      projectId: c.get("caller").projectId,
      fromMs,
      toMs,
      providers: [asked.provider].flat(),
      models: [asked.model].flat(),
      unpricedOnly: asked.unpriced_only,
    };
    if (asked.dry_run) return c.json(await foretell(deps, scope));
    const job = await openJob(deps, scope);
    const keepAlive = keepAliveOf(c);
    deps.mergeSignal.raise(deps.now(), keepAlive);
    keepAlive(runJobs(deps, keepAlive).catch(() => undefined));
    return c.json(job, 202);
  });
  app.get("/v1/reprice/:id", requireScope(deps, "read"), async (c) => {
    const id = parseTraceId(c.req.param("id"));
    const job = id === null ? null : await readJob(deps, c.get("caller").projectId, id);
    if (job === null) throw new ApiError("not_found", "there is no such job");
    return c.json(job);
  });
  return app;
}
