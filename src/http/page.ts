/**
 * The page: its views are one page, which reads the address itself. Its files come from static assets, and the
 * policy lets it run and ask nothing but this server's. Files with a hash in their names never change.
 */
import { Hono } from "hono";
import { ApiError } from "../errors.ts";
import type { AppContext, AppEnv, Deps } from "./context.ts";

/** The page's own addresses. `/openapi.json` describes the API, so they are not in it. */
export const VIEWS = [
  "/",
  "/explore",
  "/why",
  "/calls",
  "/calls/:id",
  "/sessions",
  "/sessions/:id",
  "/coverage",
  "/doubles",
  "/plans",
  "/prices",
  "/settings",
] as const;
export const FILES = "/assets/:name";

const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join("; ");

export function pageRoutes({ config: { assets } }: Deps): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  const answer = async (c: AppContext, name: string): Promise<Response> => {
    const { body, headers } = await file(assets, `/${name}.html`);
    return c.body(body, 200, {
      ...headers,
      "Content-Security-Policy": POLICY,
      "Referrer-Policy": "no-referrer",
      "Cache-Control": "no-cache",
    });
  };
  // The two documents differ in what they let the browser load early alone.
  for (const view of VIEWS) app.get(view, (c) => answer(c, view === "/" ? "index" : "view"));
  // Once deployed, these are served before the Worker is asked; elsewhere the Worker stands alone.
  app.get(FILES, async (c) => {
    const { body, headers } = await file(assets, c.req.path);
    return c.body(body, 200, { ...headers, "Cache-Control": "public, max-age=31536000, immutable" });
  });
  return app;
}

/** A file of the page, with its type. @throws ApiError 404 if there is none. */
export async function file(
  assets: Fetcher | null,
  path: string,
): Promise<{ body: ReadableStream; headers: Record<string, string> }> {
  if (assets === null) throw new ApiError("not_found", "the page is not part of this deployment");
  const response = await assets.fetch(new Request(new URL(path, "https://assets")));
  if (response.status !== 200 || response.body === null) {
    await response.body?.cancel();
    throw new ApiError("not_found", "the page has no such file");
  }
  return { body: response.body, headers: { "Content-Type": response.headers.get("Content-Type") ?? "text/plain" } };
}
