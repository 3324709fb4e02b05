/** `GET /v1/admin/database`: the state of the database, with advice. It tells of all projects, so it needs the admin key. */
import { Hono } from "hono";
import { z } from "zod";
import { DatabaseReport, readDatabase } from "../insight/report.ts";
import { once, type Parameters, readParameters } from "../parameters.ts";
import type { AppEnv, Deps } from "./context.ts";
import { json, operation } from "./operation.ts";

const message = "must be a whole number of bytes, at least 1";
const DATABASE_PARAMETERS = {
  disk_bytes: once(
    z
      .string()
      .regex(/^[1-9]\d{0,15}$/, message)
      .transform(Number)
      .pipe(z.int(message))
      .meta({ type: "integer", minimum: 1, maximum: Number.MAX_SAFE_INTEGER }),
    "The size of the database's disk, which Postgres does not know. The answer then says when the disk is full.",
  ),
} satisfies Parameters;

export function databaseRoutes(deps: Deps): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  app.get(
    "/v1/admin/database",
    operation(deps, {
      id: "readDatabase",
      tag: "Operations",
      summary: "Read the state of the database, with advice",
      description:
        "The answer has what is wrong with the database and what to do about it; slow statements without their values; sizes, growth, dead rows, use of indexes, locks, open transactions, connections and settings. It scans no table. What the role of the ledger may not read is listed in `unread`.",
      caller: "admin key",
      query: DATABASE_PARAMETERS,
      answers: { 200: { description: "The state of the database.", content: json(DatabaseReport) } },
    }),
    async (c) => {
      const { disk_bytes: diskBytes } = readParameters(DATABASE_PARAMETERS, new URL(c.req.url).searchParams);
      c.header("Cache-Control", "no-store");
      return c.json(await readDatabase(deps.db, deps.now(), diskBytes));
    },
  );
  return app;
}
