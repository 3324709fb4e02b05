/** How Vite makes the page: hashed files in `assets/`, a file and a document for each view, nothing inlined and nothing from elsewhere. */
import { join } from "node:path";
import { build, type Plugin } from "vite";

/** @param out a folder that does not exist yet. */
export async function bundlePage(source: string, out: string): Promise<void> {
  await build({
    configFile: false,
    root: source,
    base: "/",
    logLevel: "error",
    plugins: [writeDocuments(source)],
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

/**
 * Each view has a document of its own, `<view>.html`. They differ in what they let the browser load beside the start,
 * and not after it has run: the view's files. The overview's is `index.html`.
 */
function writeDocuments(source: string): Plugin {
  return {
    name: "write-documents",
    generateBundle: {
      order: "post",
      handler(_options, bundle) {
        const chunks = Object.values(bundle).filter((file) => file.type === "chunk");
        const start = chunks.find(({ facadeModuleId }) => facadeModuleId === join(source, "index.html"));
        const document = bundle["index.html"];
        if (!start || document?.type !== "asset") return;
        const html = String(document.source);
        const atOnce = new Set([start.fileName, ...start.imports]);
        for (const view of chunks) {
          const name = /\/views\/([\w-]+)\.tsx$/.exec(view.facadeModuleId ?? "")?.[1];
          if (name === undefined) continue;
          const files = [view, ...chunks.filter(({ fileName }) => view.imports.includes(fileName))].filter(
            ({ fileName }) => !atOnce.has(fileName),
          );
          const scripts = files.map(({ fileName }) => `<link rel="modulepreload" crossorigin href="/${fileName}">`);
          const styles = files
            .flatMap(({ viteMetadata }) => [...(viteMetadata?.importedCss ?? [])])
            .map((file) => `<link rel="preload" as="style" crossorigin href="/${file}">`);
          const hinted = html.replace("</head>", `  ${[...scripts, ...styles].join("\n    ")}\n  </head>`);
          if (name === "overview") document.source = hinted;
          else this.emitFile({ type: "asset", fileName: `${name}.html`, source: hinted });
        }
      },
    },
  };
}
