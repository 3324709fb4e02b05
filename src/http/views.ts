/** `/v1/views`: saved views of the page. Who may read the project's costs may save what it asks for. */
import { Hono } from "hono";
import { z } from "zod";
import { ApiError } from "../errors.ts";
import { readParameters } from "../parameters.ts";
import { parseTraceId } from "../traces/query.ts";
import { deleteView, listViews, MAX_VIEWS, replaceView, saveView, View, ViewBody } from "../views.ts";
import { id, nextCursor } from "../wire.ts";
import { parseBody } from "./body.ts";
import { type AppContext, type AppEnv, type Deps, ownDeps } from "./context.ts";
import { createdId, IDEMPOTENCY_HEADER } from "./idempotency.ts";
import { json, operation } from "./operation.ts";

/** The list has no pages, because it has at most `MAX_VIEWS` entries. */
const NO_PARAMETERS = {};
const path = { id: { schema: id, description: "The id of the view." } };

export function viewRoutes(deps: Deps): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  app.get(
    "/v1/views",
    operation(deps, {
      id: "listViews",
      tag: "Costs",
      summary: "List the project's saved views, by name",
      caller: "read",
      query: NO_PARAMETERS,
      answers: {
        200: {
          description: `At most ${MAX_VIEWS} views.`,
          content: json(z.object({ views: z.array(View), next_cursor: nextCursor })),
        },
      },
    }),
    async (c) => {
      readParameters(NO_PARAMETERS, new URL(c.req.url).searchParams);
      const { projectId } = c.get("caller");
      return c.json({ views: await listViews(ownDeps(deps, projectId).db, projectId), next_cursor: null });
    },
  );
  app.post(
    "/v1/views",
    operation(deps, {
      id: "saveView",
      tag: "Costs",
      summary: "Save a view of the page under a name",
      description: "Everyone with a key of the project sees it, and may replace or delete it.",
      again:
        "With the same `Idempotency-Key`, the answer is the view that the first request saved, as it is by now. Without one, it is 409 `view_name_taken`, which names that view.",
      caller: "read",
      headers: IDEMPOTENCY_HEADER,
      body: { content: json(ViewBody, { name: "By model", path: "/explore?group_by=model&interval=day" }) },
      answers: { 201: { description: "The saved view.", content: json(View) } },
      refusals: ["view_name_taken", "too_many_views", "idempotency_mismatch"],
    }),
    async (c) => {
      const asked = await parseBody(c, deps, ViewBody);
      const { projectId } = c.get("caller");
      return c.json(await saveView(ownDeps(deps, projectId).db, projectId, createdId(c, projectId), asked), 201);
    },
  );
  app.put(
    "/v1/views/:id",
    operation(deps, {
      id: "replaceView",
      tag: "Costs",
      summary: "Give a saved view another name and path",
      again: "The same answer.",
      caller: "read",
      path,
      body: { content: json(ViewBody, { name: "By model and day", path: "/explore?group_by=model&interval=day" }) },
      answers: { 200: { description: "The view as it is now.", content: json(View) } },
      refusals: ["not_found", "view_name_taken"],
    }),
    async (c) => {
      const asked = await parseBody(c, deps, ViewBody);
      const viewId = idOf(c);
      const { projectId } = c.get("caller");
      const view = await replaceView(ownDeps(deps, projectId).db, projectId, viewId, asked);
      if (view === null) throw noSuchView();
      return c.json(view);
    },
  );
  app.delete(
    "/v1/views/:id",
    operation(deps, {
      id: "deleteView",
      tag: "Costs",
      summary: "Delete a saved view",
      again: "A view that is gone is 404. So after no answer, 404 means that it is deleted.",
      caller: "read",
      path,
      answers: { 204: { description: "The view is deleted." } },
      refusals: ["not_found"],
    }),
    async (c) => {
      const viewId = idOf(c);
      const { projectId } = c.get("caller");
      if (!(await deleteView(ownDeps(deps, projectId).db, projectId, viewId))) throw noSuchView();
      return c.body(null, 204);
    },
  );
  return app;
}

function idOf(c: AppContext): string {
  const viewId = parseTraceId(c.req.param("id") ?? "");
  if (viewId === null) throw noSuchView();
  return viewId;
}

function noSuchView(): ApiError {
  return new ApiError("not_found", "there is no such view");
}
