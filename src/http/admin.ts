/** `/v1/projects` and `/v1/keys`: tenants and their keys, for the admin key alone. */
import { Hono } from "hono";
import { z } from "zod";
import { ApiError } from "../errors.ts";
import { ApiKey, createKey, createProject, listKeys, listProjects, Project, revokeKey, SCOPES } from "../keys.ts";
import { id, nextCursor } from "../wire.ts";
import { parseBody } from "./body.ts";
import type { AppEnv, Deps } from "./context.ts";
import { json, operation } from "./operation.ts";

const name = z
  .string()
  .trim()
  .min(1)
  .max(200)
  .refine((text) => text.isWellFormed() && !text.includes("\0"), "holds a NUL or half a surrogate pair");
const projectBody = z.strictObject({ name });
const keyBody = z.strictObject({ project_id: z.uuid(), name, scopes: z.array(z.enum(SCOPES)).min(1) });
/** The project that migrations make. */
const DEFAULT_PROJECT = "00000000-0000-4000-8000-000000000000";

export function adminRoutes(deps: Deps): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  const admin = { tag: "Administration", caller: "admin key" } as const;
  app.get(
    "/v1/projects",
    operation(deps, {
      ...admin,
      id: "listProjects",
      summary: "All projects",
      answers: {
        200: {
          description: "In the order they were made.",
          content: json(z.object({ projects: z.array(Project), next_cursor: nextCursor })),
        },
      },
    }),
    async (c) => c.json({ projects: await listProjects(deps.db), next_cursor: null }),
  );
  app.post(
    "/v1/projects",
    operation(deps, {
      ...admin,
      id: "createProject",
      summary: "A new project",
      body: { content: json(projectBody, { name: "acme" }) },
      answers: { 201: { description: "It is there.", content: json(Project) } },
    }),
    async (c) => {
      const body = await parseBody(c.req.raw, projectBody);
      return c.json(await createProject(deps.db, body.name), 201);
    },
  );
  app.get(
    "/v1/keys",
    operation(deps, {
      ...admin,
      id: "listKeys",
      summary: "All API keys",
      description: "Revoked ones too, and none of the keys themselves.",
      answers: {
        200: {
          description: "In the order they were made.",
          content: json(z.object({ keys: z.array(ApiKey), next_cursor: nextCursor })),
        },
      },
    }),
    async (c) => c.json({ keys: await listKeys(deps.db), next_cursor: null }),
  );
  app.post(
    "/v1/keys",
    operation(deps, {
      ...admin,
      id: "createKey",
      summary: "A new API key",
      body: {
        content: json(keyBody, { project_id: DEFAULT_PROJECT, name: "production", scopes: ["ingest", "read"] }),
      },
      answers: {
        201: {
          description: "The key is shown this once.",
          content: json(ApiKey.omit({ revoked_at: true }).extend({ key: z.string() })),
        },
      },
      refusals: ["not_found"],
    }),
    async (c) => {
      const body = await parseBody(c.req.raw, keyBody);
      const { revoked_at: _, ...key } = await createKey(deps.db, body.project_id, body.name, [...new Set(body.scopes)]);
      return c.json(key, 201);
    },
  );
  app.delete(
    "/v1/keys/:id",
    operation(deps, {
      ...admin,
      id: "revokeKey",
      summary: "Revoke an API key",
      description: "It holds nowhere any more within 30 seconds. Revoking twice is no error.",
      path: { id: { schema: id, description: "Of the key, not the key itself." } },
      answers: { 204: { description: "It is revoked." } },
      refusals: ["not_found"],
    }),
    async (c) => {
      const id = z.uuid().safeParse(c.req.param("id"));
      if (!id.success) throw new ApiError("not_found", "there is no such key");
      await revokeKey(deps.db, id.data);
      return c.body(null, 204);
    },
  );
  return app;
}
