/** The dependencies of handlers, and the variables that middleware sets on a request. */
import type { Context } from "hono";
import type { Actor } from "../admin-log.ts";
import type { Config } from "../config.ts";
import type { Reader } from "../db/replica.ts";
import { forProject } from "../db/wall.ts";
import type { IngestDeps } from "../ingest/ingest.ts";
import type { KeepAlive } from "../keep-alive.ts";
import type { Caller, Keyring } from "../keyring.ts";
import { ADMIN_KEY_NAME, type PageSession, type PageSessions } from "../page-sessions.ts";
import type { CurrentCatalogue } from "../catalogue/current.ts";
import type { MergeSignal } from "../rollup/signal.ts";
import type { SummaryCache } from "../summary/cache.ts";
import type { Questions } from "../summary/questions.ts";
import type { Zones } from "../summary/zone.ts";
import type { Counters } from "../telemetry/counters.ts";
import type { RunDeps } from "../telemetry/run.ts";
import type { Intake, Work } from "./intake.ts";
import type { Noted } from "./observe.ts";

export interface Deps extends IngestDeps, RunDeps {
  config: Config;
  keyring: Keyring;
  pageSessions: PageSessions;
  /** Reads rollups: from the replica if one is configured, else from the primary. */
  reader: Reader;
  catalogue: CurrentCatalogue;
  cache: SummaryCache;
  zones: Zones;
  questions: Questions;
  intake: Intake;
  counters: Counters;
  mergeSignal: MergeSignal;
}

export interface AppEnv {
  Variables: {
    requestId: string;
    /** For the log line. */
    noted: Noted;
    /** Set if the request is for one project. */
    caller: Caller;
    /** Set if the admin key asks, for no single project. */
    isAdminKey: true;
    /** Set by `requirePageSession`. */
    pageSession: PageSession;
    /** Set for routes with a body. */
    work: Work;
    /** Set once a request is known to be OTLP. Errors are then in its form. */
    otlp: "protobuf" | "json";
  };
}

export type AppContext = Context<AppEnv>;

/** Who asks: an API key, or the admin key, which belongs to no project. */
export function actorOf(c: AppContext): Actor {
  const caller = c.get("caller") as Caller | undefined;
  return { name: caller?.keyId ?? ADMIN_KEY_NAME, requestId: c.get("requestId") };
}

/** The dependencies of a request, with databases that show and change only what is of its project. */
export function ownDeps(deps: Deps, projectId: string): Deps {
  return {
    ...deps,
    db: forProject(deps.db, projectId),
    reader: { ...forProject(deps.reader, projectId), counts: deps.reader.counts, lagSeconds: deps.reader.lagSeconds },
  };
}

export function keepAliveOf(c: AppContext): KeepAlive {
  return (work) => c.executionCtx.waitUntil(work);
}

/** The query string, as text. A request's URL has no fragment. */
export function queryStringOf(c: AppContext): string {
  const at = c.req.url.indexOf("?");
  return at < 0 ? "" : c.req.url.slice(at + 1);
}

export function paramsOf(c: AppContext): URLSearchParams {
  return new URLSearchParams(queryStringOf(c));
}
