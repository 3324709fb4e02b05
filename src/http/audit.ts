/** `GET /v1/audit`: rollup against the stored traces, per UTC day, and its weeks against its days. */
import { Hono } from "hono";
import { z } from "zod";
import { audit, type Audit } from "../rollup/audit.ts";
import { parseRange, RANGE_PARAMETERS } from "../summary/query.ts";
import { day, usdDifference } from "../wire.ts";
import type { AppEnv, Deps } from "./context.ts";
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
  days: z.array(z.object({ day, raw: sums, rollup: sums, difference: sums.describe("Rollup minus raw.") })),
  mismatches: z
    .array(
      z.object({
        day: day.describe("Of a week, its Monday."),
        level: z.enum(["hour", "day", "week"]),
        label: z.string(),
        measure: z.string(),
        raw: z.string().describe("Of a week, the sum of its days."),
        rollup: z.string(),
      }),
    )
    .describe("Every sum that is off, also those that `days` does not show; at most 100."),
});

export function auditRoutes(deps: Deps): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  app.get(
    "/v1/audit",
    operation(deps, {
      id: "audit",
      tag: "Operations",
      summary: "Rollups against the stored calls",
      description:
        "In one snapshot, for the whole UTC days that the range touches, and for their weeks. All differences are zero.",
      caller: "read",
      query: RANGE_PARAMETERS,
      answers: { 200: { description: "The sums of both, and how they differ.", content: json(answer) } },
      refusals: ["raw_expired"],
    }),
    async (c) => {
      const audited = await asFarAsKept(new URL(c.req.url).searchParams, async (params) => {
        const { fromMs, toMs } = parseRange(params, deps.now());
        return await audit(deps.db, c.get("caller").projectId, fromMs, toMs);
      });
      return c.json(audited);
    },
  );
  return app;
}
