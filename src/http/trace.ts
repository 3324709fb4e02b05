/** `GET /v1/traces` lists calls; `/v1/traces/{id}` reads one with its receipt, or deletes it. */
import { DAY_MS } from "../time.ts";
import { Hono } from "hono";
import { z } from "zod";
import { ApiError } from "../errors.ts";
import { startOfKey } from "../ledger/key.ts";
import { announceChange } from "../epoch.ts";
import { deleteTrace } from "../traces/delete.ts";
import { parseTraceId, parseTracesQuery, TRACES_PARAMETERS } from "../traces/query.ts";
import { listAsJson, readCall, TraceWithReceipt } from "../traces/read.ts";
import { ShownTrace } from "../traces/shown.ts";
import { id, nextCursor } from "../wire.ts";
import { actorOf, type AppEnv, type Deps, keepAliveOf, ownDeps, paramsOf } from "./context.ts";
import { EXAMPLE_ID } from "./example.ts";
import { asFarAsKept } from "./kept.ts";
import { json, operation } from "./operation.ts";

const path = { id: { schema: id, description: "The id that the ledger gave the call.", example: EXAMPLE_ID } };

export function traceRoutes(deps: Deps): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  app.get(
    "/v1/traces",
    operation(deps, {
      id: "listTraces",
      tag: "Calls",
      summary: "List calls, newest first",
      caller: "read",
      query: TRACES_PARAMETERS,
      answers: {
        200: {
          description: "A page of calls.",
          content: json(z.object({ traces: z.array(ShownTrace), next_cursor: nextCursor })),
        },
      },
      refusals: ["raw_expired"],
    }),
    async (c) => {
      const { projectId } = c.get("caller");
      const page = await asFarAsKept(paramsOf(c), (params) =>
        listAsJson(ownDeps(deps, projectId).db, projectId, parseTracesQuery(params, deps.now(), deps.zones)),
      );
      return c.body(page, 200, { "Content-Type": "application/json" });
    },
  );
  app.get(
    "/v1/traces/:id",
    operation(deps, {
      id: "getTrace",
      tag: "Calls",
      summary: "Read one call with its receipt",
      description:
        "The receipt explains the cost: quantity, unit price and cost of each price bucket, the source of the price and how far to trust it, and what decided the usage.",
      caller: "read",
      path,
      answers: {
        200: { description: "The call and its receipt.", content: json(TraceWithReceipt) },
      },
      refusals: ["not_found", "raw_expired"],
    }),
    async (c) => {
      const id = parseTraceId(c.req.param("id"));
      const catalogue = await deps.catalogue.get(deps.now(), keepAliveOf(c));
      const { projectId } = c.get("caller");
      const call = id === null ? null : await readCall(ownDeps(deps, projectId).db, projectId, id, catalogue);
      if (call === null) throw new ApiError("not_found", "there is no such call");
      return c.json(call);
    },
  );
  app.delete(
    "/v1/traces/:id",
    operation(deps, {
      id: "deleteTrace",
      tag: "Calls",
      summary: "Delete a wrong call",
      again: "A call that is gone is 404. So after no answer, 404 means that it is deleted.",
      caller: "admin",
      path,
      answers: { 204: { description: "The call is deleted, and no sum counts it any more." } },
      refusals: ["not_found", "raw_expired"],
    }),
    async (c) => {
      const id = parseTraceId(c.req.param("id"));
      const { projectId } = c.get("caller");
      const own = ownDeps(deps, projectId);
      if (id === null) throw new ApiError("not_found", "there is no such call");
      try {
        if (!(await deleteTrace(own.db, projectId, id, deps.config.wrapperGraceSeconds, actorOf(c))))
          throw new ApiError("not_found", "there is no such call");
      } finally {
        // A failed statement may have taken effect before its answer was lost. Another span of the trace may now count
        // instead, and it may have started a day earlier.
        await announceChange(own, projectId, startOfKey(id) - DAY_MS, keepAliveOf(c));
      }
      return c.body(null, 204);
    },
  );
  return app;
}
