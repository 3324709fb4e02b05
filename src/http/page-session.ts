/** `/v1/session`: signing in to the page with a key, who is signed in, and signing out. */
import { Hono } from "hono";
import { z } from "zod";
import { ApiError } from "../errors.ts";
import { showPageSession, ShownPageSession } from "../page-sessions.ts";
import { createKeySenders } from "./auth.ts";
import { parseBody } from "./body.ts";
import { actorOf, type AppEnv, type Deps } from "./context.ts";
import { clearCookie, refuseOtherPages, sendCookie } from "./cookie.ts";
import { json, operation } from "./operation.ts";
import { limitAddress } from "./rate-limit.ts";

const MAX_KEY = 1_000;
const SignIn = z.strictObject({
  key: z.string().trim().min(1).max(MAX_KEY).describe("An API key, or the admin key."),
});
const NOT_STORED = { "Cache-Control": "no-store" };

export function pageSessionRoutes(deps: Deps): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  const senderOf = createKeySenders(deps);
  app.post(
    "/v1/session",
    operation(deps, {
      id: "signIn",
      tag: "Administration",
      summary: "Sign in to the page with a key",
      description:
        "The answer sets the cookie of a session. Routes except those of ingest take the cookie in place of the key, if there is no `Authorization`. A request that changes something must then have `Sec-Fetch-Site: same-origin`, or the page's own `Origin`. The session ends after 12 hours, when it is signed out of, and when its key expires, is revoked or is replaced.",
      again: "Each request begins another session.",
      caller: "anyone",
      body: { content: json(SignIn, { key: `lct_${"0".repeat(48)}` }) },
      answers: {
        201: {
          description: "The session.",
          content: json(ShownPageSession),
          headers: { "Set-Cookie": "The cookie, which scripts cannot read.", "Cache-Control": "`no-store`" },
        },
      },
      refusals: ["unauthorized", "cross_origin", "rate_limited", "database_unavailable", "internal"],
    }),
    async (c) => {
      refuseOtherPages(c);
      await limitAddress(deps, c);
      const { key } = await parseBody(c, deps, SignIn);
      const sender = await senderOf(c, key);
      if (sender.kind !== "caller" && sender.kind !== "admin key")
        throw new ApiError("unauthorized", "the key is unknown or revoked");
      const caller = sender.kind === "caller" ? sender.caller : null;
      if (caller) c.set("caller", caller);
      const { secret, session } = await deps.pageSessions.open(caller, deps.now(), c.get("requestId"));
      sendCookie(c, secret, Math.floor((session.expiresMs - deps.now()) / 1_000));
      return c.json(showPageSession(session), 201, NOT_STORED);
    },
  );
  app.get(
    "/v1/session",
    operation(deps, {
      id: "getPageSession",
      tag: "Administration",
      summary: "Read who is signed in to the page",
      caller: "page session",
      answers: {
        200: {
          description: "The session of the cookie.",
          content: json(ShownPageSession),
          headers: { "Cache-Control": "`no-store`" },
        },
      },
    }),
    (c) => c.json(showPageSession(c.get("pageSession")), 200, NOT_STORED),
  );
  app.delete(
    "/v1/session",
    operation(deps, {
      id: "signOut",
      tag: "Administration",
      summary: "Sign out of the page",
      description: "The cookie stops working: at once where this is answered, everywhere within 30 seconds.",
      again: "A session that has ended is 401.",
      caller: "page session",
      answers: {
        204: { description: "The session has ended.", headers: { "Set-Cookie": "Removes the cookie." } },
      },
    }),
    async (c) => {
      await deps.pageSessions.close(c.get("pageSession"), deps.now(), actorOf(c));
      clearCookie(c);
      return c.body(null, 204);
    },
  );
  return app;
}
