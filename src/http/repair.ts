/** `POST /v1/repair` puts rollups right where they differ from the stored calls. */
import { Hono } from "hono";
import { z } from "zod";
import { log } from "../admin-log.ts";
import { repairRange, type Repair } from "../rollup/repair-range.ts";
import { parseRange } from "../summary/query.ts";
import { count, day } from "../wire.ts";
import { parseBody } from "./body.ts";
import { actorOf, type AppEnv, type Deps, keepAliveOf, ownDeps } from "./context.ts";
import { json, operation } from "./operation.ts";

const instant = z.union([z.string(), z.int()]).transform(String);
const body = z.strictObject({ from: instant, to: instant });

const answer: z.ZodType<Repair> = z.object({
  complete: z.boolean().describe("False if there was more to compare than one answer may take."),
  next_from: day.nullable().describe("Send it as `from` to go on. Null if all days are compared."),
  changes: z
    .array(
      z.object({
        day: day.describe("The UTC day, or the Monday of a week."),
        level: z.enum(["hour", "day", "week"]),
        label: z.string().describe("Which rollup rows, as in the audit."),
        groups: count.describe("How many groups differed. Their differences may add up to nothing."),
        differences: z
          .record(z.string(), z.string())
          .describe(
            "What was added, by measure, where it adds up to something. It is negative where rollups had more.",
          ),
      }),
    )
    .describe("What was changed. Empty if nothing differed."),
});

export function repairRoutes(deps: Deps): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  app.post(
    "/v1/repair",
    operation(deps, {
      id: "repair",
      tag: "Operations",
      summary: "Put rollups right where they differ from the stored calls",
      description:
        "The repair covers the whole UTC days that the range touches, and the weeks of them. It compares more than the audit: every group, and latency histograms.",
      again: "A second repair changes nothing.",
      caller: "admin",
      body: { content: json(body, { from: "2026-10-01", to: "2026-11-01" }) },
      answers: { 200: { description: "What was changed.", content: json(answer) } },
      refusals: ["invalid_parameter", "raw_expired"],
    }),
    async (c) => {
      const range = parseRange(new URLSearchParams(await parseBody(c, deps, body)), deps.now(), deps.zones);
      const { projectId } = c.get("caller");
      await log(deps.db, actorOf(c), "repair", projectId);
      return c.json(await repairRange(ownDeps(deps, projectId), projectId, range, keepAliveOf(c)));
    },
  );
  return app;
}
