/** How Vite makes the page: hashed files in `assets/`, nothing inlined and nothing from elsewhere. */
import { join } from "node:path";
import { build, type Plugin } from "vite";
import { showAgents } from "./show-agents.ts";
import { trimPlot } from "./trim-plot.ts";

/** @param out a folder that does not exist yet. */
export async function bundlePage(source: string, out: string): Promise<void> {
  await build({
    // Calls of `h` are smaller than those of the automatic runtime, which vitest also fills with files of this machine.
    oxc: { jsx: { runtime: "classic", pragma: "h", pragmaFrag: "Fragment", development: false } },
    configFile: false,
    root: source,
    base: "/",
    logLevel: "error",
    plugins: [importJsx(), trimPlot(), showAgents(source), writeDocuments()],
    build: {
      outDir: out,
      assetsDir: "assets",
      // A file in the address of a `data:` URL would need a weaker policy.
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      target: "es2023",
      reportCompressedSize: false,
      chunkSizeWarningLimit: 2_000,
      rolldownOptions: {
        input: [join(source, "index.html"), join(source, "docs.html")],
        output: { codeSplitting: { groups: groupsOf(source) } },
      },
    },
  });
}

/** Vite's own `jsxInject` would do it in all files, so that `/docs` would load and run the page. */
function importJsx(): Plugin {
  return {
    name: "import-jsx",
    enforce: "pre",
    transform: { filter: { id: /\.tsx$/ }, handler: (code) => `import { Fragment, h } from "preact"; ${code}` },
  };
}

/**
 * What comes with the start, with the first chart, with the overview, and with the first of all other views. Each takes
 * what it imports and no group before it has. A file for each view would be a fifth larger in sum.
 */
function groupsOf(source: string) {
  const groups: readonly (readonly [name: string, test: RegExp])[] = [
    ["start", /\/(?:main|shell)\.tsx$/],
    ["chart", /\/parts\/chart\.tsx$/],
    ["overview", /\/views\/overview\.tsx$/],
    ["views", /\/views\/[\w-]+\.tsx$/],
  ];
  return groups.map(([name, test], place) => ({
    name,
    test: (id: string) => id.startsWith(source) && test.test(id),
    priority: groups.length - place,
    includeDependenciesRecursively: true,
  }));
}

/**
 * There are two documents: `index.html` for the overview, and `view.html` for all other views. They differ in what they
 * let the browser load beside the start, and not after it has run.
 */
function writeDocuments(): Plugin {
  return {
    name: "write-documents",
    generateBundle: {
      order: "post",
      handler(_options, bundle) {
        const chunks = Object.values(bundle).filter((file) => file.type === "chunk");
        const [start, overview, views] = ["start", "overview", "views"].map((group) =>
          chunks.find(({ name }) => name === group),
        );
        const document = bundle["index.html"];
        if (!start || !overview || !views || document?.type !== "asset") return;
        const html = String(document.source);
        const hinted = (view: typeof views): string => {
          const atOnce = new Set([start.fileName, ...start.imports]);
          const files = [view, ...chunks.filter(({ fileName }) => view.imports.includes(fileName))].filter(
            ({ fileName }) => !atOnce.has(fileName),
          );
          const scripts = files.map(({ fileName }) => `<link rel="modulepreload" crossorigin href="/${fileName}">`);
          const styles = files
            .flatMap(({ viteMetadata }) => [...(viteMetadata?.importedCss ?? [])])
            .map((file) => `<link rel="preload" as="style" crossorigin href="/${file}">`);
          return html.replace("</head>", `  ${[...scripts, ...styles].join("\n    ")}\n  </head>`);
        };
        document.source = hinted(overview);
        this.emitFile({ type: "asset", fileName: "view.html", source: hinted(views) });
      },
    },
  };
}
