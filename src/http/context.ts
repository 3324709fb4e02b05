/** The dependencies of handlers, and the variables that middleware sets on a request. */
import type { Context } from "hono";
import type { Config } from "../config.ts";
import type { Reader } from "../db/replica.ts";
import { forProject } from "../db/wall.ts";
import type { IngestDeps } from "../ingest/ingest.ts";
import type { KeepAlive } from "../keep-alive.ts";
import type { Caller, Keyring } from "../keys.ts";
import type { CurrentCatalogue } from "../catalogue/current.ts";
import type { SummaryCache } from "../summary/cache.ts";
import type { Zones } from "../summary/zone.ts";
import type { Intake, Work } from "./intake.ts";

export interface Deps extends IngestDeps {
  config: Config;
  keyring: Keyring;
  /** Reads rollups: from the replica if one is configured, else from the primary. */
  reader: Reader;
  catalogue: CurrentCatalogue;
  cache: SummaryCache;
  zones: Zones;
  intake: Intake;
}

export interface AppEnv {
  Variables: {
    requestId: string;
    /** Set by `requireScope`. */
    caller: Caller;
    /** Set for routes with a body. */
    work: Work;
    /** Set once a request is known to be OTLP. Errors are then in its form. */
    otlp: "protobuf" | "json";
  };
}

export type AppContext = Context<AppEnv>;

/** The dependencies of a request, with databases that show and change only what is of its project. */
export function ownDeps(deps: Deps, projectId: string): Deps {
  return {
    ...deps,
    db: forProject(deps.db, projectId),
    reader: { ...forProject(deps.reader, projectId), counts: deps.reader.counts },
  };
}

export function keepAliveOf(c: AppContext): KeepAlive {
  return (work) => c.executionCtx.waitUntil(work);
}
