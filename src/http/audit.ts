/** `GET /v1/audit` compares rollups with the stored calls, per UTC day, and weeks with their days. */
import { Hono } from "hono";
import { z } from "zod";
import { audit, type Audit } from "../rollup/audit.ts";
import { parseRange, RANGE_PARAMETERS } from "../summary/query.ts";
import { day, usdDifference } from "../wire.ts";
import { type AppEnv, type Deps, ownDeps } from "./context.ts";
import { asFarAsKept } from "./kept.ts";
import { json, operation } from "./operation.ts";

const sums = z.object({
  requests: z.int(),
  input_tokens: z.int(),
  output_tokens: z.int(),
  cost_usd: usdDifference,
});

const answer: z.ZodType<Audit> = z.object({
  ok: z.boolean(),
  days: z.array(z.object({ day, raw: sums, rollup: sums, difference: sums.describe("`rollup` minus `raw`.") })),
  mismatches: z
    .array(
      z.object({
        day: day.describe("The UTC day, or the Monday of a week."),
        level: z.enum(["hour", "day", "week"]),
        label: z
          .string()
          .describe(
            "Which rollup rows: empty for the main rows, `(…)` for a coarser set of them, or `user` or `tag.<key>`.",
          ),
        measure: z.string(),
        raw: z.string().describe("The sum over the stored calls; for a week, the sum over its days."),
        rollup: z.string(),
      }),
    )
    .describe("Every wrong sum, including sums that `days` does not show. At most 100 are listed."),
  pending_days: z
    .array(day)
    .describe(
      "Days whose rollups an older version made without reported costs, until cron has repaired them. Reported costs of these days are not compared.",
    ),
});

export function auditRoutes(deps: Deps): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  app.get(
    "/v1/audit",
    operation(deps, {
      id: "audit",
      tag: "Operations",
      summary: "Compare rollups with the stored calls",
      description:
        "The comparison covers the whole UTC days that the range touches, and their weeks, each day and family of rows in one snapshot. All differences should be zero.",
      caller: "read",
      query: RANGE_PARAMETERS,
      answers: { 200: { description: "The sums of both, and their differences.", content: json(answer) } },
      refusals: ["raw_expired"],
    }),
    async (c) => {
      const { projectId } = c.get("caller");
      const audited = await asFarAsKept(new URL(c.req.url).searchParams, async (params) => {
        const { fromMs, toMs } = parseRange(params, deps.now(), deps.zones);
        return await audit(ownDeps(deps, projectId).db, projectId, fromMs, toMs);
      });
      return c.json(audited);
    },
  );
  return app;
}
