/** `GET /docs`: a page to read and try `/openapi.json`. It runs the page's own script, and asks only this server. */
import { Hono } from "hono";
import { z } from "zod";
import type { AppEnv, Deps } from "./context.ts";
import { operation } from "./operation.ts";
import { file } from "./page.ts";

export function docsRoutes(deps: Deps): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  app.get(
    "/docs",
    operation(deps, {
      id: "getDocs",
      tag: "Operations",
      summary: "Read this description on a page, and try it",
      caller: "anyone",
      answers: { 200: { description: "An HTML page.", content: { "text/html": { schema: z.string() } } } },
      refusals: ["not_found"],
    }),
    async (c) => {
      const nonce = crypto.randomUUID();
      const { body } = await file(deps.config.assets, "/docs.html");
      const page = (await new Response(body).text()).replace(
        /<(script|link rel="modulepreload")/g,
        `<$1 nonce="${nonce}"`,
      );
      return c.body(page, 200, {
        "Content-Type": "text/html; charset=utf-8",
        "Content-Security-Policy": policy(nonce),
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
      });
    },
  );
  return app;
}

function policy(nonce: string): string {
  return [
    "default-src 'none'",
    `script-src 'nonce-${nonce}'`,
    `style-src 'self' 'nonce-${nonce}'`,
    "img-src 'self' data:",
    "font-src 'self' data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
}
