/**
 * Authentication: an API key as Bearer, the admin key, or the metrics token. Where Langfuse's SDK sends to, an API key
 * may also be the password of Basic.
 */
import type { MiddlewareHandler } from "hono";
import { sha256Hex } from "../digest.ts";
import { ApiError } from "../errors.ts";
import type { Scope } from "../keys.ts";
import { type AppContext, type AppEnv, type Deps, keepAliveOf } from "./context.ts";

/**
 * Admits an API key that has the scope, and sets `caller` for handlers. `admin` includes every scope.
 *
 * @param basic true if the key may be the password of Basic.
 */
export function requireScope(deps: Deps, scope: Scope, basic = false): MiddlewareHandler<AppEnv> {
  const isAdminKey = keyTest(deps.config.adminKey);
  return async (c, next) => {
    const key = credentials(c, basic);
    const caller = await deps.keyring.callerOf(key, deps.now(), keepAliveOf(c));
    if (!caller) {
      if (isAdminKey(key))
        throw new ApiError(
          "forbidden",
          "this needs an API key; the admin key is for /v1/projects, /v1/keys, /v1/admin/log, /v1/dead-letters and POST /v1/prices",
        );
      throw new ApiError("unauthorized", "the API key is unknown or revoked");
    }
    if (!caller.scopes.has(scope) && !caller.scopes.has("admin"))
      throw new ApiError("forbidden", `the API key lacks the scope ${scope}`);
    c.set("caller", caller);
    await next();
  };
}

/** Admits only the admin key. */
export function requireAdminKey(deps: Deps): MiddlewareHandler<AppEnv> {
  const isAdminKey = keyTest(deps.config.adminKey);
  return async (c, next) => {
    const key = credentials(c);
    if (!isAdminKey(key)) {
      if (await deps.keyring.callerOf(key, deps.now())) throw new ApiError("forbidden", "this needs the admin key");
      throw new ApiError("unauthorized", "this needs the admin key");
    }
    await next();
  };
}

/** Admits the metrics token, if one is configured, and API keys with the scope `admin`. */
export function requireMetrics(deps: Deps): MiddlewareHandler<AppEnv> {
  const isToken = keyTest(deps.config.metricsToken);
  const isAdmin = requireScope(deps, "admin");
  return async (c, next) => (isToken(credentials(c)) ? await next() : await isAdmin(c, next));
}

/** Compares digests, because the time that this takes tells nothing about the key. */
function keyTest(secret: string | undefined): (key: string) => boolean {
  if (secret === undefined) return () => false;
  const digest = sha256Hex(secret);
  return (key) => sha256Hex(key) === digest;
}

function credentials(c: AppContext, basic = false): string {
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
