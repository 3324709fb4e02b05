/** `DELETE /v1/users/{id}` erases a user from a project by a job. `/v1/erasures` shows these jobs. */
import { Hono } from "hono";
import { z } from "zod";
import { MODES } from "../erase/erasure.ts";
import { ErasureJob, listErasures, MAX_LISTED, openErasure, readErasure, runErasures } from "../erase/job.ts";
import { ApiError } from "../errors.ts";
import { MAX_TEXT } from "../ledger/call.ts";
import { invalid, once, readParameters } from "../parameters.ts";
import { parseTraceId } from "../traces/query.ts";
import { id, nextCursor } from "../wire.ts";
import { actorOf, type AppEnv, type Deps, keepAliveOf, ownDeps } from "./context.ts";
import { json, operation } from "./operation.ts";

/** There is no default, because neither can be undone. */
const ERASE_PARAMETERS = {
  mode: once(
    z.enum(MODES, `must be ${MODES.join(" or ")}`),
    "`anonymise` keeps the user's calls and takes the user and the session off them. `remove` deletes them.",
    { example: "anonymise", required: true },
  ),
};
/** The list has no pages: it ends with the newest. */
const NO_PARAMETERS = {};

export function userRoutes(deps: Deps): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  app.delete(
    "/v1/users/:id",
    operation(deps, {
      id: "eraseUser",
      tag: "Administration",
      summary: "Erase a user",
      description:
        "The job erases the user's id where it is a user, a session or the value of a tag: in calls, spans, dead letters and sums. With `anonymise` no total changes. It ends a minute or more after it began, because it looks twice. Calls that arrive before its end may be erased, too; later ones are new.",
      again:
        "While the job is open, the answer is the same job. Later it is a new one, which finds what has come since.",
      caller: "admin",
      path: { id: { schema: z.string(), description: "The id of the user, as calls name it.", example: "ada" } },
      query: ERASE_PARAMETERS,
      answers: { 202: { description: "The job.", content: json(ErasureJob) } },
      refusals: ["too_many_jobs"],
    }),
    async (c) => {
      const { mode } = readParameters(ERASE_PARAMETERS, new URL(c.req.url).searchParams);
      if (mode === undefined) throw invalid("mode", `must be ${MODES.join(" or ")}`);
      const userId = c.req.param("id");
      if (userId.length > MAX_TEXT) throw invalid("id", `must have at most ${MAX_TEXT} characters`);
      const { projectId } = c.get("caller");
      const job = await openErasure(deps, projectId, userId, mode, actorOf(c));
      const keepAlive = keepAliveOf(c);
      deps.mergeSignal.raise(deps.now(), keepAlive);
      keepAlive(runErasures(deps, keepAlive, projectId).catch(() => undefined));
      return c.json(job, 202);
    },
  );
  app.get(
    "/v1/erasures",
    operation(deps, {
      id: "listErasures",
      tag: "Administration",
      summary: "List erasures, the newest first",
      caller: "admin",
      query: NO_PARAMETERS,
      answers: {
        200: {
          description: `At most ${MAX_LISTED} erasures.`,
          content: json(z.object({ erasures: z.array(ErasureJob), next_cursor: nextCursor })),
        },
      },
    }),
    async (c) => {
      readParameters(NO_PARAMETERS, new URL(c.req.url).searchParams);
      const { projectId } = c.get("caller");
      return c.json({ erasures: await listErasures(ownDeps(deps, projectId), projectId), next_cursor: null });
    },
  );
  app.get(
    "/v1/erasures/:id",
    operation(deps, {
      id: "getErasure",
      tag: "Administration",
      summary: "Read the progress of an erasure",
      caller: "admin",
      path: { id: { schema: id, description: "The id of the erasure." } },
      answers: { 200: { description: "The erasure.", content: json(ErasureJob) } },
      refusals: ["not_found"],
    }),
    async (c) => {
      const id = parseTraceId(c.req.param("id"));
      const { projectId } = c.get("caller");
      const job = id === null ? null : await readErasure(ownDeps(deps, projectId), projectId, id);
      if (job === null) throw new ApiError("not_found", "there is no such erasure");
      return c.json(job);
    },
  );
  return app;
}
