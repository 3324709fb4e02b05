/** `GET /v1/admin/log` tells what admins did. */
import { Hono } from "hono";
import { z } from "zod";
import { LOG_PARAMETERS, LogEntry, readLog } from "../admin-log.ts";
import { readParameters } from "../parameters.ts";
import { nextCursor } from "../wire.ts";
import type { AppEnv, Deps } from "./context.ts";
import { json, operation } from "./operation.ts";

export function adminLogRoutes(deps: Deps): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  app.get(
    "/v1/admin/log",
    operation(deps, {
      id: "listAdminLog",
      tag: "Administration",
      summary: "List what admins did, the newest first",
      description:
        "The log has each action that an admin key or a key of scope `admin` asked for, and each time that somebody signed in to the page or out of it. Nothing is ever changed or deleted in it. An action that failed half-way may have an entry.",
      caller: "admin key",
      query: LOG_PARAMETERS,
      answers: {
        200: {
          description: "A page of entries.",
          content: json(z.object({ entries: z.array(LogEntry), next_cursor: nextCursor })),
        },
      },
    }),
    async (c) => c.json(await readLog(deps.db, readParameters(LOG_PARAMETERS, new URL(c.req.url).searchParams))),
  );
  return app;
}
