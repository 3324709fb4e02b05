/** How Vite makes the page: hashed files in `assets/`, a file for each view, nothing inlined and nothing from elsewhere. */
import { join } from "node:path";
import { build } from "vite";

/** @param out a folder that does not exist yet. */
export async function bundlePage(source: string, out: string): Promise<void> {
  await build({
    configFile: false,
    root: source,
    base: "/",
    logLevel: "error",
    build: {
      outDir: out,
      assetsDir: "assets",
      // A file in the address of a `data:` URL would need a weaker policy.
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      target: "es2023",
      reportCompressedSize: false,
      chunkSizeWarningLimit: 2_000,
      rolldownOptions: { input: [join(source, "index.html"), join(source, "docs.html")] },
    },
  });
}
