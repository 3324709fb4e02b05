/** `/v1/plans`: plans that pay for calls, the people who have seats, and what they used of them. */
import { Hono } from "hono";
import { z } from "zod";
import { ApiError } from "../errors.ts";
import { readParameters } from "../parameters.ts";
import { newPlan, Plan, planBody } from "../plans/plan.ts";
import { addPlan, deletePlan, findPlan, listPlans, MAX_PLANS, PLANS_PARAMETERS } from "../plans/store.ts";
import { PlanUse, readPlanUse } from "../plans/use.ts";
import { RANGE_PARAMETERS, rangeOf } from "../summary/query.ts";
import { parseTraceId } from "../traces/query.ts";
import { id, nextCursor } from "../wire.ts";
import { instant, parseBody } from "./body.ts";
import { actorOf, type AppContext, type AppEnv, type Deps, ownDeps } from "./context.ts";
import { createdId, IDEMPOTENCY_HEADER } from "./idempotency.ts";
import { json, operation } from "./operation.ts";

const PlanBody = planBody(instant);
const path = { id: { schema: id, description: "The id of the plan." } };
const TOUCHED = { from: RANGE_PARAMETERS.from, to: RANGE_PARAMETERS.to };

export function planRoutes(deps: Deps): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  app.get(
    "/v1/plans",
    operation(deps, {
      id: "listPlans",
      tag: "Costs",
      summary: "List the project's plans, those that began last first",
      caller: "read",
      query: PLANS_PARAMETERS,
      answers: {
        200: {
          description: "A page of plans.",
          content: json(z.object({ plans: z.array(Plan), next_cursor: nextCursor })),
        },
      },
    }),
    async (c) => {
      const asked = readParameters(PLANS_PARAMETERS, new URL(c.req.url).searchParams);
      const { projectId } = c.get("caller");
      return c.json(await listPlans(ownDeps(deps, projectId).db, projectId, asked));
    },
  );
  app.post(
    "/v1/plans",
    operation(deps, {
      id: "addPlan",
      tag: "Costs",
      summary: "Add a plan and the people who have its seats",
      description: `A plan changes no call and no cost: each call itself says whether a plan covers it (\`covered_by\`). Plans never change. If the price or the people change, delete the plan, or let it end and add another. A project may have ${MAX_PLANS.toLocaleString("en-US")} plans.`,
      again:
        "With the same `Idempotency-Key`, the answer is the plan that the first request added. Without one, it is a second plan.",
      caller: "admin",
      headers: IDEMPOTENCY_HEADER,
      body: {
        content: json(PlanBody, {
          name: "Team seats",
          seat_usd: "25",
          period: "month",
          from: "2026-10-01",
          to: null,
          users: ["ada@example.com", "grace@example.com"],
        }),
      },
      answers: { 201: { description: "The plan.", content: json(Plan) } },
      refusals: ["invalid_parameter", "too_many_plans", "idempotency_mismatch"],
    }),
    async (c) => {
      const asked = await parseBody(c, deps, PlanBody);
      const { projectId } = c.get("caller");
      const { db } = ownDeps(deps, projectId);
      return c.json(await addPlan(db, projectId, createdId(c, projectId), newPlan(asked), actorOf(c)), 201);
    },
  );
  app.delete(
    "/v1/plans/:id",
    operation(deps, {
      id: "deletePlan",
      tag: "Costs",
      summary: "Delete a plan",
      again: "A plan that is gone is 404. So after no answer, 404 means that it is deleted.",
      caller: "admin",
      path,
      answers: { 204: { description: "The plan is deleted." } },
      refusals: ["not_found"],
    }),
    async (c) => {
      const { projectId } = c.get("caller");
      if (!(await deletePlan(ownDeps(deps, projectId).db, projectId, idOf(c), actorOf(c)))) throw noSuchPlan();
      return c.body(null, 204);
    },
  );
  app.get(
    "/v1/plans/:id/use",
    operation(deps, {
      id: "getPlanUse",
      tag: "Costs",
      summary: "What the people of a plan used of it",
      description:
        "The billing periods of the plan that touch the range and have begun, each as a whole. Periods are of UTC days and begin on the day of the month on which the plan began, or on the last day of a shorter month. A period is paid for as a whole, also if the plan ends within it. Only calls with `covered_by` of `plan` count. If a user is in several plans at a time, each shows all of the user's calls.",
      caller: "read",
      path,
      query: TOUCHED,
      answers: { 200: { description: "The use of each period, by person.", content: json(PlanUse) } },
      refusals: ["not_found", "too_many_rows"],
    }),
    async (c) => {
      const asked = readParameters(TOUCHED, new URL(c.req.url).searchParams);
      const range = rangeOf(asked, deps.now(), deps.zones);
      const { projectId } = c.get("caller");
      const { db } = ownDeps(deps, projectId);
      const plan = await findPlan(db, projectId, idOf(c));
      if (plan === null) throw noSuchPlan();
      return c.json(await readPlanUse(db, projectId, plan, range, deps.now()));
    },
  );
  return app;
}

function idOf(c: AppContext): string {
  const planId = parseTraceId(c.req.param("id") ?? "");
  if (planId === null) throw noSuchPlan();
  return planId;
}

function noSuchPlan(): ApiError {
  return new ApiError("not_found", "there is no such plan");
}
