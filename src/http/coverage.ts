/** `GET /v1/coverage`: what agents say that they used, against what the ledger has of them. */
import { Hono } from "hono";
import { readCoverage } from "../coverage/coverage.ts";
import { COVERAGE_PARAMETERS, parseCoverageQuery } from "../coverage/query.ts";
import { Coverage } from "../coverage/shown.ts";
import { type AppEnv, type Deps, ownDeps } from "./context.ts";
import { asFarAsKept } from "./kept.ts";
import { json, operation } from "./operation.ts";

export function coverageRoutes(deps: Deps): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  app.get(
    "/v1/coverage",
    operation(deps, {
      id: "getCoverage",
      tag: "Costs",
      summary: "Compare what agents say that they used with the ledger",
      description:
        "Coding agents, and programs that follow OpenTelemetry's conventions, count themselves what they use, and send that to `POST /v1/metrics`. The list compares these counters with the calls of the same agent or application, by UTC day. It covers the whole UTC days that the range touches, at most 92. A counter is of the day on which its point was taken, a call of the day on which it began.",
      caller: "read",
      query: COVERAGE_PARAMETERS,
      answers: { 200: { description: "Each emitter that has counters or calls.", content: json(Coverage) } },
      refusals: ["raw_expired"],
    }),
    async (c) => {
      const { projectId } = c.get("caller");
      const coverage = await asFarAsKept(new URL(c.req.url).searchParams, (params) =>
        readCoverage(ownDeps(deps, projectId).db, projectId, parseCoverageQuery(params, deps.now())),
      );
      return c.json(coverage);
    },
  );
  return app;
}
