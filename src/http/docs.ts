/** `GET /docs`: Scalar's page for `/openapi.json`. It runs Scalar's script and its own, and asks only this server. */
import { Hono } from "hono";
import { z } from "zod";
import type { AppEnv, Deps } from "./context.ts";
import { operation } from "./operation.ts";

/** jsDelivr serves files of npm packages unchanged. A browser refuses a file that does not match the hash. */
export const SCALAR = {
  package: "@scalar/api-reference@1.72.1",
  file: "dist/browser/standalone.js",
  integrity: "sha384-U11tb2XnKvmwt8RlTvnwUnYgrN+ur4Xyh9htLhjajWNR/Oyl5AX5DEz00qRmlrmK",
} as const;

const SCRIPT = `https://cdn.jsdelivr.net/npm/${SCALAR.package}/${SCALAR.file}`;

/** Turns off every feature that would send requests to Scalar's servers or load anything from them. */
const CONFIGURATION = JSON.stringify({
  url: "/openapi.json",
  proxyUrl: "",
  withDefaultFonts: false,
  telemetry: false,
  agent: { disabled: true },
  mcp: { disabled: true },
  hideClientButton: true,
  showDeveloperTools: "never",
  persistAuth: false,
  authentication: { preferredSecurityScheme: "apiKey" },
  defaultHttpClient: { targetKey: "shell", clientKey: "curl" },
});

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
    }),
    (c) => {
      const nonce = crypto.randomUUID();
      return c.body(page(nonce), 200, {
        "Content-Type": "text/html; charset=utf-8",
        "Content-Security-Policy": policy(nonce),
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
      });
    },
  );
  return app;
}

/** Scalar's editor and messages create `<style>` elements without a nonce, which the policy would refuse. */
const NONCE_FOR_STYLES = `
const { nonce } = document.currentScript, create = document.createElement.bind(document);
document.createElement = (name, options) => Object.assign(create(name, options), name === "style" && { nonce });
`;

function policy(nonce: string): string {
  return [
    "default-src 'none'",
    `script-src 'nonce-${nonce}'`,
    `style-src 'nonce-${nonce}'`,
    "img-src 'self' data:",
    "font-src 'self' data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
}

function page(nonce: string): string {
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <meta property="csp-nonce" content="${nonce}" nonce="${nonce}" />
    <title>LLM Cost Tracker: API</title>
  </head>
  <body>
    <noscript>This page needs JavaScript. The description is at <a href="/openapi.json">/openapi.json</a>.</noscript>
    <script nonce="${nonce}">${NONCE_FOR_STYLES}</script>
    <div id="api-reference" data-configuration='${CONFIGURATION}'></div>
    <script nonce="${nonce}" src="${SCRIPT}" integrity="${SCALAR.integrity}" crossorigin="anonymous"></script>
  </body>
</html>
`;
}
