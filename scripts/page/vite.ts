/** How Vite makes the page: hashed files in `assets/`, a file for each view, nothing inlined and nothing from elsewhere. */
import { join } from "node:path";
import { build, type HtmlTagDescriptor, type Plugin } from "vite";

/** @param out a folder that does not exist yet. */
export async function bundlePage(source: string, out: string): Promise<void> {
  await build({
    configFile: false,
    root: source,
    base: "/",
    logLevel: "error",
    plugins: [hintFirstView(source)],
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

/** Lets the browser load what the overview needs beside the start, and not after it has run. */
function hintFirstView(source: string): Plugin {
  const first = join(source, "views/overview.tsx");
  return {
    name: "hint-first-view",
    transformIndexHtml: {
      order: "post",
      handler(_html, { path, bundle = {} }) {
        const chunks = Object.values(bundle).filter((file) => file.type === "chunk");
        const view = chunks.find(({ facadeModuleId }) => facadeModuleId === first);
        if (path !== "/index.html" || !view) return;
        const start = chunks.find(({ isEntry, dynamicImports }) => isEntry && dynamicImports.includes(view.fileName));
        const needed = [view, ...chunks.filter(({ fileName }) => view.imports.includes(fileName))].filter(
          (chunk) => chunk !== start && !start?.imports.includes(chunk.fileName),
        );
        const hint = (rel: string, file: string, as?: string): HtmlTagDescriptor => ({
          tag: "link",
          attrs: { rel, href: `/${file}`, crossorigin: true, ...(as !== undefined && { as }) },
          injectTo: "head",
        });
        return needed.flatMap(({ fileName, viteMetadata }) => [
          hint("modulepreload", fileName),
          ...[...(viteMetadata?.importedCss ?? [])].map((file) => hint("preload", file, "style")),
        ]);
      },
    },
  };
}
