/** `GET /v1/values`: the values of a field, for a filter that completes what is typed. */
import { Hono } from "hono";
import { z } from "zod";
import { FieldValue, parseValuesQuery, readValues, VALUES_PARAMETERS } from "../summary/values.ts";
import { nextCursor } from "../wire.ts";
import { type AppEnv, type Deps, ownDeps } from "./context.ts";
import { json, operation } from "./operation.ts";

export function valueRoutes(deps: Deps): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  app.get(
    "/v1/values",
    operation(deps, {
      id: "listValues",
      tag: "Costs",
      summary: "List the values of a dimension or a label, those with the most calls first",
      description:
        "For a field that completes what is typed. The list covers the whole UTC days that the range touches, and the filters as in a summary. A filter by the field itself is left out. If the range has more than 50,000 day rows or partial rows, the newest 20,000 of them are read: the sums are of these, and a value that only older rows have is missing. Values that a crowded day combines into `(other)` are missing, too.",
      caller: "read",
      query: VALUES_PARAMETERS,
      answers: {
        200: {
          description: "At most 100 values.",
          content: json(z.object({ values: z.array(FieldValue), next_cursor: nextCursor })),
        },
      },
    }),
    async (c) => {
      const query = parseValuesQuery(new URL(c.req.url).searchParams, deps.now(), deps.zones);
      const { projectId } = c.get("caller");
      return c.json({
        values: await readValues(ownDeps(deps, projectId).reader, projectId, query),
        next_cursor: null,
      });
    },
  );
  return app;
}
