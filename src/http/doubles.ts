/** `/v1/doubles` lists pairs of calls that may be one, and takes what people say of them. */
import { Hono } from "hono";
import { z } from "zod";
import { announceChange } from "../epoch.ts";
import { ApiError } from "../errors.ts";
import { startOfKey } from "../ledger/key.ts";
import { DAY_MS } from "../time.ts";
import { decideDouble, type Unfit } from "../traces/decide-double.ts";
import { Double, DOUBLE_ID, doubleId, parseDoubleId, VERDICTS } from "../traces/double.ts";
import { DOUBLES_PARAMETERS, listDoubles, parseDoublesQuery } from "../traces/doubles.ts";
import { id, nextCursor } from "../wire.ts";
import { parseBody } from "./body.ts";
import { actorOf, type AppEnv, type Deps, keepAliveOf, ownDeps } from "./context.ts";
import { EXAMPLE_ID } from "./example.ts";
import { asFarAsKept } from "./kept.ts";
import { json, operation } from "./operation.ts";

const path = {
  id: {
    schema: z.string().regex(DOUBLE_ID),
    description: "The id of the pair: the ids of its calls, in either order, with a dot between.",
    example: `${EXAMPLE_ID}.${EXAMPLE_ID.slice(0, -1)}0`,
  },
};

const VerdictBody = z.object({ verdict: z.enum(VERDICTS) });

const Decided = z
  .object({
    id: Double.shape.id,
    verdict: z.enum(VERDICTS),
    counted: z.array(id).describe("Those of the two that count now."),
  })
  .meta({ id: "DecidedDouble" });

const WHY: Record<Exclude<Unfit, "unknown">, string> = {
  "cache hit": "a gateway's cache hit is no call, so it is neither the same nor different",
  "too far apart": "the calls begin more than an hour apart, so they are not the same",
};

export function doubleRoutes(deps: Deps): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  app.get(
    "/v1/doubles",
    operation(deps, {
      id: "listDoubles",
      tag: "Calls",
      summary: "List pairs of calls that may be one, oldest first",
      description:
        "Both calls count. They are of one session (of one trace or user, if they have none), have the same model and the same input and output tokens, and begin within ten seconds. No id joins them, and nobody has said what they are. With `verdict`, the list has the pairs of which somebody has said that, so that it can be reversed. A page may have fewer pairs than `limit` although others follow.",
      caller: "read",
      query: DOUBLES_PARAMETERS,
      answers: {
        200: {
          description: "A page of pairs.",
          content: json(z.object({ doubles: z.array(Double), next_cursor: nextCursor })),
        },
      },
      refusals: ["raw_expired"],
    }),
    async (c) => {
      const { projectId } = c.get("caller");
      const page = await asFarAsKept(new URL(c.req.url).searchParams, (params) =>
        listDoubles(ownDeps(deps, projectId).db, projectId, parseDoublesQuery(params, deps.now(), deps.zones)),
      );
      return c.json(page);
    },
  );
  app.post(
    "/v1/doubles/:id",
    operation(deps, {
      id: "decideDouble",
      tag: "Calls",
      summary: "Say that two calls are the same, or different",
      description:
        "If they are the same, one of them counts, as if its reports had named each other, and all sums are corrected. If they are different, both count, and the pair is no suspect any more. A later verdict replaces an earlier one.",
      again: "The same answer.",
      caller: "admin",
      path,
      body: { content: json(VerdictBody, { verdict: "same" }) },
      answers: { 200: { description: "The verdict is stored, and all sums agree with it.", content: json(Decided) } },
      refusals: ["not_found", "raw_expired"],
    }),
    async (c) => {
      const { verdict } = await parseBody(c, deps, VerdictBody);
      const pair = parseDoubleId(c.req.param("id"));
      if (pair === null) throw new ApiError("not_found", "there is no such pair");
      const { projectId } = c.get("caller");
      const own = ownDeps(deps, projectId);
      let counted: string[] | Unfit;
      try {
        counted = await decideDouble(own.db, projectId, pair, verdict, deps.config.wrapperGraceSeconds, actorOf(c));
      } finally {
        // A failed statement may have taken effect before its answer was lost. Another report may count now, which may
        // have started a day earlier.
        await announceChange(own, projectId, startOfKey(pair[0]) - DAY_MS, keepAliveOf(c));
      }
      if (counted === "unknown") throw new ApiError("not_found", "there is no such pair");
      if (typeof counted === "string") throw new ApiError("invalid_body", WHY[counted]);
      return c.json({ id: doubleId(...pair), verdict, counted });
    },
  );
  return app;
}
