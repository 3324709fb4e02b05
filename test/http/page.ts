/** The page, as a browser speaks for it: signed in with a key, it has a cookie. */
import { expect } from "vitest";
import type { ShownPageSession } from "../../src/page-sessions.ts";
import { appWith, type Fetch, json } from "./ledger.ts";

export const ORIGIN = "http://ledger";
/** What browsers say of requests of the page itself. */
export const OWN = { "sec-fetch-site": "same-origin" };

/** An app with a clock of its own, which begins at the real time. */
export function isolate(replaced: Parameters<typeof appWith>[0] = {}) {
  const clock = { now: Date.now() };
  return { clock, fetch: appWith({ now: () => clock.now, ...replaced }) };
}

export async function postKey(
  fetch: Fetch,
  body: unknown,
  headers: Record<string, string> = OWN,
  origin = ORIGIN,
): Promise<Response> {
  const init = { method: "POST", headers, body: JSON.stringify(body) };
  return await fetch(new Request(`${origin}/v1/session`, init));
}

export interface SignedIn {
  session: ShownPageSession;
  /** As requests send it: its name and its value. */
  cookie: string;
  /** A request from the page. */
  ask(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Response>;
}

export async function signIn(fetch: Fetch, key: string): Promise<SignedIn> {
  const response = await postKey(fetch, { key });
  const session = await json<ShownPageSession>(response, 201);
  return { session, ...withCookie(fetch, response.headers.get("set-cookie")!.split(";")[0]!) };
}

export function withCookie(fetch: Fetch, cookie: string): Omit<SignedIn, "session"> {
  return {
    cookie,
    ask: async (method, path, body, headers = OWN) =>
      await fetch(
        new Request(`${ORIGIN}${path}`, {
          method,
          headers: { cookie, "content-type": "application/json", ...headers },
          ...(body !== undefined && { body: JSON.stringify(body) }),
        }),
      ),
  };
}

/** The status of `GET /v1/session`. */
export async function statusOf({ ask }: Pick<SignedIn, "ask">): Promise<number> {
  const { status } = await ask("GET", "/v1/session");
  expect([200, 401, 503]).toContain(status);
  return status;
}
