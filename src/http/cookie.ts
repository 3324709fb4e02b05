/**
 * The cookie of a session of the page, and which requests may come with it. `SameSite=Strict` keeps browsers from
 * sending it for other sites; the check of the origin keeps other origins of the same site from changing anything.
 */
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import { ApiError } from "../errors.ts";
import type { AppContext } from "./context.ts";

const NAME = "llm_cost_session";
/** What browsers bind to the very host, and take over HTTPS alone. */
export const HOST_NAME = `__Host-${NAME}`;
const LOCAL_HOSTS = new Set(["localhost", "127.0.0.1", "[::1]"]);
const CHANGES_NOTHING = new Set(["GET", "HEAD"]);

/** Plain HTTP to the own machine. Browsers differ in whether they take secure cookies there. */
function isLocal(c: AppContext): boolean {
  const { protocol, hostname } = new URL(c.req.url);
  return protocol === "http:" && LOCAL_HOSTS.has(hostname);
}

function nameAndOptions(c: AppContext) {
  const secure = !isLocal(c);
  return {
    name: secure ? HOST_NAME : NAME,
    options: { path: "/", httpOnly: true, sameSite: "Strict", secure } as const,
  };
}

/** The secret of the session, if the request has the cookie. */
export function cookieOf(c: AppContext): string | undefined {
  return getCookie(c, nameAndOptions(c).name);
}

export function sendCookie(c: AppContext, secret: string, maxAge: number): void {
  const { name, options } = nameAndOptions(c);
  setCookie(c, name, secret, { ...options, maxAge });
}

export function clearCookie(c: AppContext): void {
  const { name, options } = nameAndOptions(c);
  deleteCookie(c, name, options);
}

/** @throws ApiError `cross_origin` if the request changes something and is not known to come from the page. */
export function refuseOtherOrigins(c: AppContext): void {
  if (CHANGES_NOTHING.has(c.req.method) || isSameOrigin(c) === true) return;
  throw new ApiError("cross_origin", "a request with the cookie that changes something must come from the page itself");
}

/** @throws ApiError `cross_origin` if a page of another origin asks. Programs, which tell no origin, may ask. */
export function refuseOtherPages(c: AppContext): void {
  if (isSameOrigin(c) === false) throw new ApiError("cross_origin", "only the page itself signs in");
}

/** Whether the page itself asks. Null if the request tells nothing of it, which browsers do not do. */
function isSameOrigin(c: AppContext): boolean | null {
  const site = c.req.header("sec-fetch-site");
  if (site !== undefined) return site === "same-origin";
  const origin = c.req.header("origin");
  return origin === undefined ? null : origin === new URL(c.req.url).origin;
}
