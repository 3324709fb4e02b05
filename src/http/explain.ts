/** `GET /v1/explain`: why the cost changed between two periods. Answers are cached like summaries. */
import { Hono } from "hono";
import { sha256Hex } from "../digest.ts";
import { explain, Explanation } from "../explain/explain.ts";
import { EXPLAIN_PARAMETERS, parseExplainQuery } from "../explain/query.ts";
import { answerCached, CACHE_HEADERS, cachedAnswers } from "./cached.ts";
import { type AppEnv, type Deps, ownDeps, paramsOf } from "./context.ts";
import { operation } from "./operation.ts";

export function explainRoutes(deps: Deps): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  app.get(
    "/v1/explain",
    operation(deps, {
      id: "explain",
      tag: "Costs",
      summary: "Explain why the cost changed between two periods",
      description:
        "The difference to another period, by default the previous one, is split by cause: volume, model mix, length, cache use, prices and so on.",
      caller: "read",
      headers: CACHE_HEADERS,
      query: EXPLAIN_PARAMETERS,
      answers: cachedAnswers(Explanation),
      refusals: ["raw_expired", "hours_expired"],
    }),
    async (c) => {
      const beganMs = deps.now();
      const query = parseExplainQuery(paramsOf(c), beganMs, deps.zones);
      const question = {
        digest: sha256Hex(JSON.stringify(["explain", { ...query, zone: query.zone.name }])),
        toMs: Math.max(query.before.toMs, query.after.toMs),
      };
      const { projectId } = c.get("caller");
      return await answerCached(c, deps, question, beganMs, () =>
        explain(ownDeps(deps, projectId).reader, projectId, query, beganMs),
      );
    },
  );
  return app;
}
