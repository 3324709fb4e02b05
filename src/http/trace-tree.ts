/** `GET /v1/trace-trees/{id}`: the tree of one trace, with what each span costs and why it counts or not. */
import { Hono } from "hono";
import { z } from "zod";
import { ApiError } from "../errors.ts";
import { parseTreeRange, readTree, TraceTree, TREE_PARAMETERS } from "../traces/read-tree.ts";
import { type AppEnv, type Deps, ownDeps } from "./context.ts";
import { EXAMPLE_TRACE_ID } from "./example.ts";
import { json, operation } from "./operation.ts";

export function traceTreeRoutes(deps: Deps): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  app.get(
    "/v1/trace-trees/:id",
    operation(deps, {
      id: "getTraceTree",
      tag: "Calls",
      summary: "Read the tree of a trace: what each span costs, which count, and why",
      description:
        "With `from` and `to`, the tree has the spans that begin in this range, and only its months are looked at. Without them, one index of each month that is kept is asked, which takes about as many times as long. If only one of them is given, the other has its default.",
      caller: "read",
      path: {
        id: { schema: z.string(), description: "The trace id.", example: EXAMPLE_TRACE_ID },
      },
      query: TREE_PARAMETERS,
      answers: { 200: { description: "The tree, at most 5,000 spans of it.", content: json(TraceTree) } },
      refusals: ["not_found", "raw_expired"],
    }),
    async (c) => {
      const range = parseTreeRange(new URL(c.req.url).searchParams, deps.now(), deps.zones);
      const { projectId } = c.get("caller");
      const tree = await readTree(ownDeps(deps, projectId).db, projectId, c.req.param("id"), range);
      if (tree === null) throw new ApiError("not_found", "there is nothing of such a trace");
      return c.json(tree);
    },
  );
  return app;
}
