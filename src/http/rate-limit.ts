/**
 * The limit of requests per key, by the Workers binding. It counts at each location of Cloudflare by itself, and says
 * yes or no: nobody can be told how many requests are left.
 */
import type { MiddlewareHandler } from "hono";
import { ApiError } from "../errors.ts";
import type { Caller } from "../keyring.ts";
import type { AppContext, AppEnv, Deps } from "./context.ts";

/** Holds those whom `admit` admits to the limit. */
export function limitRate(
  { config: { rateLimit } }: Deps,
  admit: MiddlewareHandler<AppEnv>,
): MiddlewareHandler<AppEnv> {
  if (rateLimit === null) return admit;
  const { limiter, requests, periodSeconds } = rateLimit;
  return async (c, next) =>
    await admit(c, async () => {
      const key = limitedKey(c);
      // A limiter that fails protects nothing, so it need not stop anything either.
      const { success } =
        key === null ? { success: true } : await limiter.limit({ key }).catch(() => ({ success: true }));
      if (success) return await next();
      c.header("Retry-After", String(periodSeconds));
      c.header("RateLimit-Policy", `"key";q=${requests};w=${periodSeconds}`);
      throw new ApiError(
        "rate_limited",
        `this key may send ${requests} requests in ${periodSeconds} s to one location; wait ${periodSeconds} s`,
      );
    });
}

/** Null for what needs no key, and for the metrics token. */
function limitedKey(c: AppContext): string | null {
  const caller = c.get("caller") as Caller | undefined;
  return caller?.keyId ?? (c.get("isAdminKey") ? "admin key" : null);
}
