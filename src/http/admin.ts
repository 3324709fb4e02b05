/** `/v1/projects` and `/v1/keys`: tenants and their API keys. Both need the admin key. */
import { Hono } from "hono";
import { z } from "zod";
import { ApiError } from "../errors.ts";
import {
  ApiKey,
  createKey,
  createProject,
  listKeys,
  listProjects,
  LIST_PARAMETERS,
  Project,
  revokeKey,
  SCOPES,
} from "../keys.ts";
import { readParameters } from "../parameters.ts";
import { id, nextCursor } from "../wire.ts";
import { parseBody } from "./body.ts";
import { actorOf, type AppEnv, type Deps } from "./context.ts";
import { createdId, IDEMPOTENCY_HEADER } from "./idempotency.ts";
import { json, operation } from "./operation.ts";

const name = z.string().trim().min(1).max(200);
const projectBody = z.strictObject({ name });
const keyBody = z.strictObject({ project_id: z.uuid(), name, scopes: z.array(z.enum(SCOPES)).min(1) });
/** Migrations create this project. */
const DEFAULT_PROJECT = "00000000-0000-4000-8000-000000000000";

export function adminRoutes(deps: Deps): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  const admin = { tag: "Administration", caller: "admin key" } as const;
  app.get(
    "/v1/projects",
    operation(deps, {
      ...admin,
      id: "listProjects",
      summary: "List projects",
      query: LIST_PARAMETERS,
      answers: {
        200: {
          description: "A page of them, oldest first.",
          content: json(z.object({ projects: z.array(Project), next_cursor: nextCursor })),
        },
      },
    }),
    async (c) => {
      const page = await listProjects(deps.db, readParameters(LIST_PARAMETERS, new URL(c.req.url).searchParams));
      return c.json({ projects: page.items, next_cursor: page.nextCursor });
    },
  );
  app.post(
    "/v1/projects",
    operation(deps, {
      ...admin,
      id: "createProject",
      summary: "Create a project",
      again:
        "With the same `Idempotency-Key`, the answer is the project that the first request created. Without one, each request creates another.",
      headers: IDEMPOTENCY_HEADER,
      body: { content: json(projectBody, { name: "acme" }) },
      answers: { 201: { description: "The new project.", content: json(Project) } },
      refusals: ["invalid_parameter", "idempotency_mismatch"],
    }),
    async (c) => {
      const body = await parseBody(c, deps, projectBody);
      return c.json(await createProject(deps.db, body.name, createdId(c, null), actorOf(c)), 201);
    },
  );
  app.get(
    "/v1/keys",
    operation(deps, {
      ...admin,
      id: "listKeys",
      summary: "List API keys",
      description: "The list includes revoked keys. It never shows a key itself.",
      query: LIST_PARAMETERS,
      answers: {
        200: {
          description: "A page of them, oldest first.",
          content: json(z.object({ keys: z.array(ApiKey), next_cursor: nextCursor })),
        },
      },
    }),
    async (c) => {
      const page = await listKeys(deps.db, readParameters(LIST_PARAMETERS, new URL(c.req.url).searchParams));
      return c.json({ keys: page.items, next_cursor: page.nextCursor });
    },
  );
  app.post(
    "/v1/keys",
    operation(deps, {
      ...admin,
      id: "createKey",
      summary: "Create an API key",
      again:
        "With the same `Idempotency-Key`, the answer is 409 `key_already_created`, because the key itself is not stored and cannot be shown again. Revoke the key that `key_id` names, and create another with another `Idempotency-Key`. Without one, each request creates another key.",
      headers: IDEMPOTENCY_HEADER,
      body: {
        content: json(keyBody, { project_id: DEFAULT_PROJECT, name: "production", scopes: ["ingest", "read"] }),
      },
      answers: {
        201: {
          description: "The new key. Only this answer shows the key itself.",
          content: json(ApiKey.omit({ revoked_at: true }).extend({ key: z.string() })),
          headers: { "Cache-Control": "`no-store`" },
        },
      },
      refusals: ["invalid_parameter", "not_found", "key_already_created", "idempotency_mismatch"],
    }),
    async (c) => {
      const { project_id, name, scopes } = await parseBody(c, deps, keyBody);
      const id = createdId(c, project_id);
      const asked = [...new Set(scopes)];
      const { revoked_at: _, ...key } = await createKey(deps.db, project_id, name, asked, id, actorOf(c));
      deps.keyring.added();
      return c.json(key, 201, { "Cache-Control": "no-store" });
    },
  );
  app.delete(
    "/v1/keys/:id",
    operation(deps, {
      ...admin,
      id: "revokeKey",
      summary: "Revoke an API key",
      description: "The key stops working everywhere within 30 seconds.",
      again: "Revoking a key twice is no error.",
      path: { id: { schema: id, description: "The id of the key, not the key itself." } },
      answers: { 204: { description: "The key is revoked." } },
      refusals: ["not_found"],
    }),
    async (c) => {
      const id = z.uuid().safeParse(c.req.param("id"));
      if (!id.success) throw new ApiError("not_found", "there is no such key");
      await revokeKey(deps.db, id.data, actorOf(c));
      return c.body(null, 204);
    },
  );
  return app;
}
