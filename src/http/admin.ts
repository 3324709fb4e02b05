/** `/v1/projects` and `/v1/keys`: tenants and their keys, for the admin key alone. */
import { Hono } from "hono";
import { z } from "zod";
import { ApiError } from "../errors.ts";
import { createKey, createProject, listKeys, listProjects, revokeKey, SCOPES } from "../keys.ts";
import { requireAdminKey } from "./auth.ts";
import { parseBody } from "./body.ts";
import type { AppEnv, Deps } from "./context.ts";

const name = z
  .string()
  .trim()
  .min(1)
  .max(200)
  .refine((text) => text.isWellFormed() && !text.includes("\0"), "holds a NUL or half a surrogate pair");
const projectBody = z.strictObject({ name });
const keyBody = z.strictObject({ project_id: z.uuid(), name, scopes: z.array(z.enum(SCOPES)).min(1) });

export function adminRoutes(deps: Deps): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  const admin = requireAdminKey(deps);
  app.get("/v1/projects", admin, async (c) => c.json({ projects: await listProjects(deps.db), next_cursor: null }));
  app.post("/v1/projects", admin, async (c) => {
    const body = await parseBody(c.req.raw, projectBody);
    return c.json(await createProject(deps.db, body.name), 201);
  });
  app.get("/v1/keys", admin, async (c) => c.json({ keys: await listKeys(deps.db), next_cursor: null }));
  app.post("/v1/keys", admin, async (c) => {
    const body = await parseBody(c.req.raw, keyBody);
    const { revoked_at: _, ...key } = await createKey(deps.db, body.project_id, body.name, [...new Set(body.scopes)]);
    return c.json(key, 201);
  });
  app.delete("/v1/keys/:id", admin, async (c) => {
    const id = z.uuid().safeParse(c.req.param("id"));
    if (!id.success) throw new ApiError("not_found", "there is no such key");
    await revokeKey(deps.db, id.data);
    return c.body(null, 204);
  });
  return app;
}
