/** `GET /v1/summary`, answered from the cache or the database, with an ETag. */
import { Hono } from "hono";
import { parseSummaryQuery, SUMMARY_PARAMETERS } from "../summary/query.ts";
import { summarize } from "../summary/summarize.ts";
import { Summary } from "../summary/shown.ts";
import { answerCached, cachedAnswers, CACHE_HEADERS } from "./cached.ts";
import { type AppEnv, type Deps, ownDeps, paramsOf, queryStringOf } from "./context.ts";
import { asFarAsKept } from "./kept.ts";
import { operation } from "./operation.ts";

export function summaryRoutes(deps: Deps): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  app.get(
    "/v1/summary",
    operation(deps, {
      id: "summarize",
      tag: "Costs",
      summary: "Sum up who spent what, on which model, when",
      description:
        "The sums are exact for any range, zone, group and filter. If an edge of the range lies within an hour whose calls have been deleted, the edge moves to the start of that hour, and the answer has `approximate`. An answer has at most 10,000 rows.",
      caller: "read",
      headers: CACHE_HEADERS,
      query: SUMMARY_PARAMETERS,
      answers: cachedAnswers(Summary),
      refusals: ["too_many_rows", "raw_expired", "hours_expired"],
    }),
    async (c) => {
      const beganMs = deps.now();
      const { query, digest, compile } = deps.questions.read(queryStringOf(c), beganMs);
      const question = { digest, toMs: Math.max(query.toMs, query.compare?.toMs ?? query.toMs) };
      const { projectId } = c.get("caller");
      return await answerCached(c, deps, question, beganMs, async () => {
        const asked = paramsOf(c);
        const { reader } = ownDeps(deps, projectId);
        return await asFarAsKept(asked, (params) => {
          if (params === asked) return summarize(reader, projectId, query, beganMs, compile);
          return summarize(reader, projectId, parseSummaryQuery(params, beganMs, deps.zones), beganMs);
        });
      });
    },
  );
  return app;
}
