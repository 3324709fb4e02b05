/** `GET /metrics`: counters of this isolate since it began, in Prometheus' text form. */
import { Hono } from "hono";
import { z } from "zod";
import type { AppEnv, Deps } from "./context.ts";
import { type Operation, operation } from "./operation.ts";

const getMetrics: Operation = {
  id: "getMetrics",
  tag: "Operations",
  summary: "Counters in Prometheus' text form",
  description: "Of this isolate, since it began.",
  caller: "metrics token or scope admin",
  answers: { 200: { description: "The counters.", content: { "text/plain": { schema: z.string() } } } },
};

export function metricsRoutes(deps: Deps): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  app.get("/metrics", operation(deps, getMetrics), (c) => {
    const lines = [
      "# HELP llm_cost_cache_answers_total Summaries by what the cache said: hit, miss, bypass, down.",
      "# TYPE llm_cost_cache_answers_total counter",
      ...Object.entries(deps.cache.counts).map(
        ([state, count]) => `llm_cost_cache_answers_total{state="${state}"} ${count}`,
      ),
    ];
    return c.text(`${lines.join("\n")}\n`, 200, { "Content-Type": "text/plain; version=0.0.4; charset=utf-8" });
  });
  return app;
}
