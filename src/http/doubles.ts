/** `/v1/doubles` lists pairs of calls that may be one, and takes what people say of them. */
import { Hono } from "hono";
import { z } from "zod";
import { announceChange } from "../epoch.ts";
import { ApiError } from "../errors.ts";
import { startOfKey } from "../ledger/key.ts";
import { DAY_MS } from "../time.ts";
import { decideDouble, type Unfit, VERDICTS } from "../traces/decide-double.ts";
import { Double, DOUBLES_PARAMETERS, listDoubles, parseDoublesQuery } from "../traces/doubles.ts";
import { parseTraceId } from "../traces/query.ts";
import { id, nextCursor } from "../wire.ts";
import { parseBody } from "./body.ts";
import { actorOf, type AppEnv, type Deps, keepAliveOf, ownDeps } from "./context.ts";
import { EXAMPLE_ID } from "./example.ts";
import { asFarAsKept } from "./kept.ts";
import { json, operation } from "./operation.ts";

const VerdictBody = z.object({
  ids: z.array(id).length(2).describe("The ids that the ledger gave the two calls."),
  verdict: z.enum(VERDICTS),
});

const Decided = z
  .object({
    ids: z.array(id).length(2),
    verdict: z.enum(VERDICTS),
    counted: z.array(id).describe("Those of the two that count now."),
  })
  .meta({ id: "DecidedDouble" });

const EXAMPLE = { ids: [EXAMPLE_ID, `${EXAMPLE_ID.slice(0, -1)}0`], verdict: "same" };

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
        "Both calls count. They are of one session (of one trace or user, if they have none), have the same model and the same input and output tokens, and begin within ten seconds. No id joins them, and nobody has said what they are. A page may have fewer pairs than `limit` although others follow.",
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
    "/v1/doubles",
    operation(deps, {
      id: "decideDouble",
      tag: "Calls",
      summary: "Say that two calls are the same, or different",
      description:
        "If they are the same, one of them counts, as if its reports had named each other, and all sums are corrected. If they are different, both count, and the pair is not listed any more. A later verdict replaces an earlier one.",
      again: "The same answer.",
      caller: "admin",
      body: { content: json(VerdictBody, EXAMPLE) },
      answers: { 200: { description: "The verdict is stored, and all sums agree with it.", content: json(Decided) } },
      refusals: ["not_found", "raw_expired"],
    }),
    async (c) => {
      const { ids, verdict } = await parseBody(c, deps, VerdictBody);
      const [one, other] = ids.map(parseTraceId);
      if (!one || !other) throw new ApiError("not_found", "there is no such call");
      if (one === other) throw new ApiError("invalid_body", "ids must name two calls");
      const { projectId } = c.get("caller");
      const own = ownDeps(deps, projectId);
      let counted: string[] | Unfit;
      try {
        counted = await decideDouble(
          own.db,
          projectId,
          [one, other],
          verdict,
          deps.config.wrapperGraceSeconds,
          actorOf(c),
        );
      } finally {
        // A failed statement may have taken effect before its answer was lost. Another report may count now, which may
        // have started a day earlier.
        await announceChange(own, projectId, Math.min(startOfKey(one), startOfKey(other)) - DAY_MS, keepAliveOf(c));
      }
      if (counted === "unknown") throw new ApiError("not_found", "there is no such call");
      if (typeof counted === "string") throw new ApiError("invalid_body", WHY[counted]);
      return c.json({ ids: [one, other], verdict, counted });
    },
  );
  return app;
}
