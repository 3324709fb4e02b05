/** What shows that a price or a usage may be wrong: others' costs, and members that no rule reads. */
import { Hono } from "hono";
import { z } from "zod";
import { PriceDifference, priceDifferences } from "../traces/differences.ts";
import { CHECK_PARAMETERS, type CheckQuery, parseCheckQuery } from "../traces/query.ts";
import { UnknownMember, unknownMembers } from "../traces/unknown-members.ts";
import { nextCursor } from "../wire.ts";
import { type AppContext, type AppEnv, type Deps, ownDeps } from "./context.ts";
import { asFarAsKept } from "./kept.ts";
import { json, operation } from "./operation.ts";

export function priceCheckRoutes(deps: Deps): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  const ask = <T>(c: AppContext, answer: (query: CheckQuery) => Promise<T>): Promise<T> =>
    asFarAsKept(new URL(c.req.url).searchParams, (params) => answer(parseCheckQuery(params, deps.now(), deps.zones)));

  app.get(
    "/v1/prices/differences",
    operation(deps, {
      id: "listPriceDifferences",
      tag: "Prices",
      summary: "List where costs differ from reported costs",
      description:
        "The list compares `cost_usd` with what callers, gateways or providers reported, over the calls of which both are known. The range has at most 366 days.",
      caller: "read",
      query: CHECK_PARAMETERS,
      answers: {
        200: {
          description: "At most 1,000 differences by provider, model and service tier, the largest first.",
          content: json(z.object({ differences: z.array(PriceDifference), next_cursor: nextCursor })),
        },
      },
      refusals: ["raw_expired"],
    }),
    async (c) => {
      const { projectId } = c.get("caller");
      const differences = await ask(c, (query) => priceDifferences(ownDeps(deps, projectId).db, projectId, query));
      return c.json({ differences, next_cursor: null });
    },
  );

  app.get(
    "/v1/prices/unknown-members",
    operation(deps, {
      id: "listUnknownMembers",
      tag: "Prices",
      summary: "List members of usage objects that no rule reads",
      description:
        "A new member may change the price. A reported cost that is no amount of USD is listed, too. The range has at most 366 days.",
      caller: "read",
      query: CHECK_PARAMETERS,
      answers: {
        200: {
          description: "At most 1,000 members by provider and rule, those of the most calls first.",
          content: json(z.object({ members: z.array(UnknownMember), next_cursor: nextCursor })),
        },
      },
      refusals: ["raw_expired"],
    }),
    async (c) => {
      const { projectId } = c.get("caller");
      const members = await ask(c, (query) => unknownMembers(ownDeps(deps, projectId).db, projectId, query));
      return c.json({ members, next_cursor: null });
    },
  );
  return app;
}
