/**
 * The limit of requests per key, and of signing in per address, by the Workers binding. It counts at each location of
 * Cloudflare by itself, and says yes or no: nobody can be told how many requests are left.
 */
import type { MiddlewareHandler } from "hono";
import { ApiError } from "../errors.ts";
import type { Caller } from "../keyring.ts";
import { ADMIN_KEY_NAME } from "../page-sessions.ts";
import type { AppContext, AppEnv, Deps } from "./context.ts";

/** Holds those whom `admit` admits to the limit. */
export function limitRate(
  { config: { rateLimit } }: Deps,
  admit: MiddlewareHandler<AppEnv>,
): MiddlewareHandler<AppEnv> {
  if (rateLimit === null) return admit;
  return async (c, next) =>
    await admit(c, async () => {
      const key = limitedKey(c);
      if (key !== null) await takeOne(c, rateLimit, key, "key");
      await next();
    });
}

/**
 * Holds those who sign in to the limit, by their address. Cloudflare sets the header, whatever a client sends; without
 * Cloudflare all share one limit.
 */
export async function limitAddress({ config: { rateLimit } }: Deps, c: AppContext): Promise<void> {
  if (rateLimit === null) return;
  await takeOne(c, rateLimit, `address ${c.req.header("cf-connecting-ip") ?? "unknown"}`, "address");
}

async function takeOne(
  c: AppContext,
  { limiter, requests, periodSeconds }: NonNullable<Deps["config"]["rateLimit"]>,
  key: string,
  what: "key" | "address",
): Promise<void> {
  // A limiter that fails protects nothing, so it need not stop anything either.
  const { success } = await limiter.limit({ key }).catch(() => ({ success: true }));
  if (success) return;
  c.header("Retry-After", String(periodSeconds));
  c.header("RateLimit-Policy", `"${what}";q=${requests};w=${periodSeconds}`);
  throw new ApiError(
    "rate_limited",
    `this ${what} may send ${requests} requests in ${periodSeconds} s to one location; wait ${periodSeconds} s`,
  );
}

/** Null for what needs no key, and for the metrics token. */
function limitedKey(c: AppContext): string | null {
  const caller = c.get("caller") as Caller | undefined;
  return caller?.keyId ?? (c.get("isAdminKey") ? ADMIN_KEY_NAME : null);
}
