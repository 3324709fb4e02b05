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
  NewKey,
  Project,
  revokeKey,
  SCOPES,
} from "../keys.ts";
import { readParameters } from "../parameters.ts";
import { DEFAULT_OVERLAP_SECONDS, MAX_OVERLAP_SECONDS, RotatedKey, rotateKey } from "../rotation.ts";
import { id, nextCursor } from "../wire.ts";
import { instant, parseBody } from "./body.ts";
import { actorOf, type AppContext, type AppEnv, type Deps } from "./context.ts";
import { createdId, IDEMPOTENCY_HEADER } from "./idempotency.ts";
import { json, operation } from "./operation.ts";

const name = z.string().trim().min(1).max(200);
const projectBody = z.strictObject({ name });
const keyBody = z.strictObject({
  project_id: z.uuid(),
  name,
  scopes: z.array(z.enum(SCOPES)).min(1),
  expires_at: instant.nullish().describe("The key is refused from then on. Without it, the key never expires."),
});
const rotateBody = z.strictObject({
  expires_in_seconds: z
    .int()
    .min(0)
    .max(MAX_OVERLAP_SECONDS)
    .default(DEFAULT_OVERLAP_SECONDS)
    .describe("How long the old key goes on working. 0 ends it at once."),
});
/** Only the answer that makes a key shows it. */
const SHOWN_ONCE = { "Cache-Control": "no-store" };
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
          content: json(NewKey),
          headers: { "Cache-Control": "`no-store`" },
        },
      },
      refusals: ["invalid_parameter", "not_found", "key_already_created", "idempotency_mismatch"],
    }),
    async (c) => {
      const { project_id, name, scopes, expires_at = null } = await parseBody(c, deps, keyBody);
      if (expires_at !== null && expires_at <= deps.now())
        throw new ApiError("invalid_body", "expires_at: must be in the future");
      const id = createdId(c, project_id);
      const asked = [...new Set(scopes)];
      const key = await createKey(deps.db, project_id, name, asked, id, expires_at, actorOf(c));
      deps.keyring.added();
      return c.json(key, 201, SHOWN_ONCE);
    },
  );
  app.post(
    "/v1/keys/:id/rotate",
    operation(deps, {
      ...admin,
      id: "rotateKey",
      summary: "Replace an API key by a new one",
      description:
        "The new key has the project, the name, the scopes and the length of life of the old one. Both work until the old one expires. A key is replaced once; rotate the new one next time.",
      again:
        "With the same `Idempotency-Key`, the answer is 409 `key_already_created`, because the key itself is not stored and cannot be shown again. Rotate the key that `key_id` names, with `expires_in_seconds: 0`. Without one, it is 409 `key_inactive`, which names that key.",
      path: { id: { schema: id, description: "The id of the old key, not the key itself." } },
      headers: IDEMPOTENCY_HEADER,
      body: { content: json(rotateBody, { expires_in_seconds: 3_600 }) },
      answers: {
        201: {
          description: "The new key. Only this answer shows the key itself.",
          content: json(RotatedKey),
          headers: { "Cache-Control": "`no-store`" },
        },
      },
      refusals: ["invalid_parameter", "not_found", "key_already_created", "key_inactive", "idempotency_mismatch"],
    }),
    async (c) => {
      const { expires_in_seconds: overlapSeconds } = await parseBody(c, deps, rotateBody);
      const id = keyIdOf(c);
      const key = await rotateKey(deps.db, deps.now(), {
        id,
        newId: createdId(c, null),
        overlapSeconds,
        actor: actorOf(c),
      });
      deps.keyring.added();
      deps.keyring.changed(id);
      deps.pageSessions.changed(id);
      return c.json(key, 201, SHOWN_ONCE);
    },
  );
  app.delete(
    "/v1/keys/:id",
    operation(deps, {
      ...admin,
      id: "revokeKey",
      summary: "Revoke an API key",
      description:
        "The key, and sessions of the page that it signed in, stop working everywhere within 60 seconds. Requests and downloads that have begun by then go on.",
      again: "Revoking a key twice is no error.",
      path: { id: { schema: id, description: "The id of the key, not the key itself." } },
      answers: { 204: { description: "The key is revoked." } },
      refusals: ["not_found"],
    }),
    async (c) => {
      const id = keyIdOf(c);
      await revokeKey(deps.db, id, actorOf(c));
      deps.keyring.changed(id);
      deps.pageSessions.changed(id);
      return c.body(null, 204);
    },
  );
  return app;
}

function keyIdOf(c: AppContext): string {
  const id = z.uuid().safeParse(c.req.param("id"));
  if (id.success) return id.data.toLowerCase();
  throw new ApiError("not_found", "there is no such key");
}
