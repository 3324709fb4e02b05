/**
 * Authentication: an API key as Bearer, the admin key, the metrics token, or the cookie of a session of the page, which
 * stands for one of the first two. Where Langfuse's SDK sends to, an API key may also be the password of Basic.
 */
import type { MiddlewareHandler } from "hono";
import { z } from "zod";
import { sha256Hex } from "../digest.ts";
import { ApiError } from "../errors.ts";
import type { Caller } from "../keyring.ts";
import type { Scope } from "../keys.ts";
import { ADMIN_KEY_NAME } from "../page-sessions.ts";
import { type AppContext, type AppEnv, type Deps, keepAliveOf } from "./context.ts";
import { cookieOf, refuseOtherOrigins } from "./cookie.ts";

/** By which a session of the admin key chooses a project. */
export const PROJECT_HEADER = "X-Project-Id";

/** What may come in place of a key as Bearer. */
export interface Accepted {
  /** The key as the password of Basic. */
  basic?: boolean;
  /** The cookie of the page. Programs that send calls never have one. */
  cookie?: boolean;
}

/** Who sends a request. */
type Sender =
  | { kind: "caller"; caller: Caller }
  | { kind: "admin key"; inSession: boolean }
  | { kind: "metrics token" }
  | { kind: "stranger" };

/**
 * Admits API keys that have the scope, and sets `caller` for handlers. `admin` includes every scope. A session of the
 * admin key is admitted to the project that it names.
 */
export function requireScope(deps: Deps, scope: Scope, accepted: Accepted): MiddlewareHandler<AppEnv> {
  const senderOf = createSenders(deps, accepted);
  return async (c, next) => {
    c.set("caller", await projectCaller(deps, c, await senderOf(c), scope));
    await next();
  };
}

/** Admits only the admin key. */
export function requireAdminKey(deps: Deps): MiddlewareHandler<AppEnv> {
  const senderOf = createSenders(deps, { cookie: true });
  return async (c, next) => {
    const { kind } = await senderOf(c);
    if (kind === "caller") throw new ApiError("forbidden", "this needs the admin key");
    if (kind !== "admin key") throw new ApiError("unauthorized", "this needs the admin key");
    c.set("isAdminKey", true);
    await next();
  };
}

/**
 * Admits the admin key, and API keys with the scope `admin`. Only the last set `caller`, and sessions of the admin key
 * that name a project.
 */
export function requireAdmin(deps: Deps): MiddlewareHandler<AppEnv> {
  const senderOf = createSenders(deps, { cookie: true });
  return async (c, next) => {
    const sender = await senderOf(c);
    if (isForAll(c, sender)) c.set("isAdminKey", true);
    else c.set("caller", await projectCaller(deps, c, sender, "admin"));
    await next();
  };
}

/** Admits the metrics token, if one is configured, besides those whom `requireAdmin` admits. */
export function requireMetrics(deps: Deps): MiddlewareHandler<AppEnv> {
  const senderOf = createSenders(deps, { cookie: true }, deps.config.metricsToken);
  return async (c, next) => {
    const sender = await senderOf(c);
    if (sender.kind !== "metrics token" && !isForAll(c, sender))
      c.set("caller", await projectCaller(deps, c, sender, "admin"));
    await next();
  };
}

/** Admits only sessions of the page. */
export function requirePageSession(deps: Deps): MiddlewareHandler<AppEnv> {
  const senderOf = createSenders(deps, { cookie: true });
  return async (c, next) => {
    const { kind } = await senderOf(c);
    if (kind === "stranger") throw new ApiError("unauthorized", "the API key is unknown or revoked");
    const session = c.get("pageSession");
    if (!session) throw new ApiError("forbidden", "this needs the cookie of a session of the page, not a key");
    if (session.caller) c.set("caller", session.caller);
    else c.set("isAdminKey", true);
    await next();
  };
}

/** The admin key, unless a session of it names a project. */
function isForAll(c: AppContext, sender: Sender): boolean {
  return sender.kind === "admin key" && !(sender.inSession && c.req.header(PROJECT_HEADER) !== undefined);
}

/** @throws ApiError if the sender may not do what the scope allows, in any project. */
async function projectCaller(deps: Deps, c: AppContext, sender: Sender, scope: Scope): Promise<Caller> {
  if (sender.kind === "caller") {
    const { caller } = sender;
    if (caller.scopes.has(scope) || caller.scopes.has("admin")) return caller;
    throw new ApiError("forbidden", `the API key lacks the scope ${scope}`);
  }
  if (sender.kind !== "admin key") throw new ApiError("unauthorized", "the API key is unknown or revoked");
  if (!sender.inSession)
    throw new ApiError(
      "forbidden",
      "this needs an API key; the admin key is for /v1/admin, /v1/projects, /v1/keys, /v1/dead-letters and POST /v1/prices",
    );
  const chosen = c.req.header(PROJECT_HEADER);
  if (chosen === undefined)
    throw new ApiError("forbidden", `a session of the admin key chooses a project by the header ${PROJECT_HEADER}`);
  const projectId = z.uuid().safeParse(chosen).data?.toLowerCase();
  if (projectId === undefined || !(await deps.pageSessions.hasProject(projectId)))
    throw new ApiError("not_found", `${PROJECT_HEADER}: there is no such project`);
  return { keyId: ADMIN_KEY_NAME, projectId, scopes: new Set<Scope>(["admin"]) };
}

/** Finds out who sends a request, by its key, or else by its cookie. */
export function createSenders(
  deps: Deps,
  { basic = false, cookie = false }: Accepted,
  metricsToken?: string,
): (c: AppContext) => Promise<Sender> {
  const senderOfKey = createKeySenders(deps, metricsToken);
  return async (c) => {
    if (cookie && c.req.header("authorization") === undefined) {
      const secret = cookieOf(c);
      if (secret !== undefined) return await senderOfSession(deps, c, secret);
    }
    return await senderOfKey(c, credentials(c, basic));
  };
}

/** Finds out whose a key is. */
export function createKeySenders(deps: Deps, metricsToken?: string): (c: AppContext, key: string) => Promise<Sender> {
  const isAdminKey = keyTest(deps.config.adminKey);
  const isMetricsToken = keyTest(metricsToken);
  return async (c, key) => {
    const caller = await deps.keyring.callerOf(key, deps.now(), keepAliveOf(c));
    if (caller) return { kind: "caller", caller };
    if (isAdminKey(key)) return { kind: "admin key", inSession: false };
    return { kind: isMetricsToken(key) ? "metrics token" : "stranger" };
  };
}

async function senderOfSession(deps: Deps, c: AppContext, secret: string): Promise<Sender> {
  refuseOtherOrigins(c);
  const session = await deps.pageSessions.read(secret, deps.now(), keepAliveOf(c));
  if (session === null) throw new ApiError("unauthorized", "the session has ended; sign in again");
  c.set("pageSession", session);
  const { caller } = session;
  return caller ? { kind: "caller", caller } : { kind: "admin key", inSession: true };
}

/** Compares digests, because the time that this takes tells nothing about the key. */
function keyTest(secret: string | undefined): (key: string) => boolean {
  if (secret === undefined) return () => false;
  const digest = sha256Hex(secret);
  return (key) => sha256Hex(key) === digest;
}

function credentials(c: AppContext, basic: boolean): string {
  const [, scheme = "", value = ""] = /^(bearer|basic) +(\S+)$/i.exec(c.req.header("authorization") ?? "") ?? [];
  if (/^bearer$/i.test(scheme)) return value;
  if (basic && value) {
    const password = passwordOf(value);
    if (password) return password;
  }
  throw new ApiError("unauthorized", "send an API key as `Authorization: Bearer <key>`");
}

function passwordOf(basic: string): string | null {
  try {
    const decoded = atob(basic);
    return decoded.slice(decoded.indexOf(":") + 1);
  } catch {
    return null;
  }
}
