/**
 * The page's files in workerd, where Cloudflare would have static assets. Miniflare's own assets router takes no queue
 * messages, so a small Worker stands in for it. It serves the folder that is there at each request.
 */
import { mkdir } from "node:fs/promises";
import { resolve } from "node:path";
import { DEMO_PATH } from "./demo.ts";

export const FILES_WORKER = "page-files";

/** Above the page's folder: each build puts a new one in its place. */
export const DIST = resolve(import.meta.dirname, "../../dist");

/** With the folder above the page's as its binding `DIST`. */
export const SCRIPT = `
const TYPES = {
  html: "text/html; charset=utf-8", js: "text/javascript; charset=utf-8", css: "text/css; charset=utf-8",
  svg: "image/svg+xml", png: "image/png", txt: "text/plain; charset=utf-8",
};
// So the page knows that there is the route, and asks for nothing that is not there.
const DEMO = { element: (head) => head.append('<meta name="demo" content="${DEMO_PATH}">', { html: true }) };
export default {
  async fetch(request, { DIST, HAS_DEMO }) {
    const { pathname } = new URL(request.url);
    const type = TYPES[pathname.split(".").at(-1)];
    if (type === undefined) return new Response(null, { status: 404 });
    const found = await DIST.fetch(new URL("/page" + pathname, request.url));
    if (!found.ok) return new Response(null, { status: 404 });
    const file = new Response(found.body, { headers: { "Content-Type": type } });
    const isPage = pathname === "/index.html" || pathname === "/view.html";
    return isPage && HAS_DEMO ? new HTMLRewriter().on("head", DEMO).transform(file) : file;
  },
};`;

/** The options of Miniflare's Worker for them. @param hasDemo tells the page of `/dev/demo`. */
export async function filesWorker(compatibilityDate: string, hasDemo: boolean) {
  await mkdir(DIST, { recursive: true });
  return {
    name: FILES_WORKER,
    modules: true,
    script: SCRIPT,
    compatibilityDate,
    bindings: { HAS_DEMO: hasDemo },
    serviceBindings: { DIST: { disk: { path: DIST, writable: false } } },
  };
}
