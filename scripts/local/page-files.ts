/**
 * The page's files in workerd, where Cloudflare would have static assets. Miniflare's own assets router takes no queue
 * messages, so a small Worker stands in for it. It serves the folder that is there at each request.
 */
import { mkdir } from "node:fs/promises";
import { resolve } from "node:path";

export const FILES_WORKER = "page-files";

/** Above the page's folder: each build puts a new one in its place. */
export const DIST = resolve(import.meta.dirname, "../../dist");

/** With the folder above the page's as its binding `DIST`. */
export const SCRIPT = `
const TYPES = {
  html: "text/html; charset=utf-8", js: "text/javascript; charset=utf-8", css: "text/css; charset=utf-8",
  svg: "image/svg+xml", png: "image/png", txt: "text/plain; charset=utf-8",
};
export default {
  async fetch(request, { DIST }) {
    const { pathname } = new URL(request.url);
    const type = TYPES[pathname.split(".").at(-1)];
    if (type === undefined) return new Response(null, { status: 404 });
    const found = await DIST.fetch(new URL("/page" + pathname, request.url));
    return found.ok ? new Response(found.body, { headers: { "Content-Type": type } }) : new Response(null, { status: 404 });
  },
};`;

/** The options of Miniflare's Worker for them. */
export async function filesWorker(compatibilityDate: string) {
  await mkdir(DIST, { recursive: true });
  return {
    name: FILES_WORKER,
    modules: true,
    script: SCRIPT,
    compatibilityDate,
    serviceBindings: { DIST: { disk: { path: DIST, writable: false } } },
  };
}
