/** `GET /v1/traces`, and one trace: read with its receipt, or taken out. */
import { Hono } from "hono";
import { z } from "zod";
import { ApiError } from "../errors.ts";
import { startOfKey } from "../ingest/key.ts";
import { announceChange } from "../rollup/announce.ts";
import { deleteTrace } from "../traces/delete.ts";
import { parseTraceId, parseTracesQuery, TRACES_PARAMETERS } from "../traces/query.ts";
import { listTraces, readTrace, ShownTrace } from "../traces/read.ts";
import { Receipt } from "../traces/receipt.ts";
import { id, nextCursor } from "../wire.ts";
import { type AppEnv, type Deps, keepAliveOf } from "./context.ts";
import { EXAMPLE_ID } from "./example.ts";
import { asFarAsKept } from "./kept.ts";
import { json, operation } from "./operation.ts";

const path = { id: { schema: id, description: "The ledger's own id of the call.", example: EXAMPLE_ID } };

/** Other spans of its trace may count instead, so long before. */
const DAY_MS = 86_400_000;

export function traceRoutes(deps: Deps): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  app.get(
    "/v1/traces",
    operation(deps, {
      id: "listTraces",
      tag: "Calls",
      summary: "Calls, newest first",
      caller: "read",
      query: TRACES_PARAMETERS,
      answers: {
        200: {
          description: "A page of them.",
          content: json(z.object({ traces: z.array(ShownTrace), next_cursor: nextCursor })),
        },
      },
      refusals: ["raw_expired"],
    }),
    async (c) => {
      const { projectId } = c.get("caller");
      const page = await asFarAsKept(new URL(c.req.url).searchParams, (params) =>
        listTraces(deps.db, projectId, parseTracesQuery(params, deps.now())),
      );
      return c.json(page);
    },
  );
  app.get(
    "/v1/traces/:id",
    operation(deps, {
      id: "getTrace",
      tag: "Calls",
      summary: "One call with its receipt",
      description: "Why it costs what it costs: tokens, unit price and cost by bucket, and where the price is from.",
      caller: "read",
      path,
      answers: {
        200: { description: "The call.", content: json(ShownTrace.extend({ receipt: Receipt })) },
      },
      refusals: ["not_found", "raw_expired"],
    }),
    async (c) => {
      const id = parseTraceId(c.req.param("id"));
      const trace = id === null ? null : await readTrace(deps.db, c.get("caller").projectId, id);
      if (trace === null) throw new ApiError("not_found", "there is no such trace");
      return c.json(trace);
    },
  );
  app.delete(
    "/v1/traces/:id",
    operation(deps, {
      id: "deleteTrace",
      tag: "Calls",
      summary: "Take a wrong call out",
      caller: "admin",
      path,
      answers: { 204: { description: "It is out of all sums." } },
      refusals: ["not_found", "raw_expired"],
    }),
    async (c) => {
      const id = parseTraceId(c.req.param("id"));
      const { projectId } = c.get("caller");
      if (id === null) throw new ApiError("not_found", "there is no such trace");
      try {
        if (!(await deleteTrace(deps.db, projectId, id, deps.config.wrapperGraceSeconds)))
          throw new ApiError("not_found", "there is no such trace");
      } finally {
        // Also after a failure: its answer may have been lost after it was done.
        await announceChange(deps, projectId, startOfKey(id) - DAY_MS, keepAliveOf(c));
      }
      return c.body(null, 204);
    },
  );
  return app;
}
