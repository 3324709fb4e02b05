/** `GET /v1/summary`: parsed, answered from the cache or the database, with an ETag. */
import { Hono } from "hono";
import { parseSummaryQuery, SUMMARY_PARAMETERS } from "../summary/query.ts";
import { summarize, Summary } from "../summary/summarize.ts";
import { answerCached, cachedAnswers, CACHE_HEADERS } from "./cached.ts";
import type { AppEnv, Deps } from "./context.ts";
import { asFarAsKept } from "./kept.ts";
import { operation } from "./operation.ts";

export function summaryRoutes(deps: Deps): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  app.get(
    "/v1/summary",
    operation(deps, {
      id: "summarize",
      tag: "Costs",
      summary: "Who spent what, on which model, when",
      description:
        "Exact for any range, zone, group and filter, as long as the calls at its ragged edges are kept. At most 10,000 rows.",
      caller: "read",
      headers: CACHE_HEADERS,
      query: SUMMARY_PARAMETERS,
      answers: cachedAnswers(Summary),
      refusals: ["too_many_rows", "raw_expired", "hours_expired"],
    }),
    async (c) => {
      const beganMs = deps.now();
      const asked = new URL(c.req.url).searchParams;
      const query = parseSummaryQuery(asked, beganMs);
      const question = {
        canonical: { ...query, zone: query.zone.name },
        toMs: Math.max(query.toMs, query.compare?.toMs ?? query.toMs),
      };
      return await answerCached(c, deps, question, beganMs, () =>
        asFarAsKept(asked, (params) =>
          summarize(deps.reader, c.get("caller").projectId, parseSummaryQuery(params, beganMs), beganMs),
        ),
      );
    },
  );
  return app;
}
