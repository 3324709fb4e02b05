/** `GET /v1/admin/state`: the version, retention, and what cron last did. It is for all projects, so it needs the admin key. */
import { Hono } from "hono";
import { readState, State } from "../monitoring/state.ts";
import { readParameters } from "../parameters.ts";
import type { AppEnv, Deps } from "./context.ts";
import { json, operation } from "./operation.ts";

const NO_PARAMETERS = {};

export function stateRoutes(deps: Deps): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  app.get(
    "/v1/admin/state",
    operation(deps, {
      id: "readState",
      tag: "Operations",
      summary: "Read the state of the deployment",
      caller: "admin key",
      query: NO_PARAMETERS,
      answers: {
        200: {
          description: "The version, what is kept how long, and what cron last did.",
          content: json(State),
          headers: { "Cache-Control": "`no-store`" },
        },
      },
    }),
    async (c) => {
      readParameters(NO_PARAMETERS, new URL(c.req.url).searchParams);
      return c.json(await readState(deps, deps.now()), 200, { "Cache-Control": "no-store" });
    },
  );
  return app;
}
