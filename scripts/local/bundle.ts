/** Bundles `src/index.ts` for workerd: the development server, the load tests and the fault tests run this file. */
import { readFile } from "node:fs/promises";
import { builtinModules } from "node:module";
import { resolve } from "node:path";
import {
  type BuildFailure,
  type BuildOptions,
  build,
  context,
  formatMessages,
  type Message,
  type Plugin,
} from "esbuild";
import { guardChildren } from "./guardian.ts";
import { StartError } from "./start-error.ts";

const root = resolve(import.meta.dirname, "../..");

export interface BundleOptions {
  /** One ES module, with its source map beside it. */
  outfile: string;
  /** Default: the project's `src/index.ts`. */
  entry?: string;
  minify?: boolean;
}

/** @throws StartError with the compiler's messages. */
export async function bundle(options: BundleOptions): Promise<void> {
  try {
    await build(buildOptions(options));
  } catch (error) {
    throw new StartError(await describe((error as BuildFailure).errors ?? [], error));
  }
}

export interface Watcher {
  stop(): Promise<void>;
}

/**
 * Bundles, then again whenever a source file changes. `onRebuild` hears about each later build: undefined when it
 * succeeded, else the compiler's messages (the last good file is still there).
 *
 * @throws StartError when the first build fails.
 */
export async function watchBundle(
  options: BundleOptions,
  onRebuild: (problem: string | undefined) => void,
): Promise<Watcher> {
  guardChildren();
  let first: PromiseWithResolvers<void> | undefined = Promise.withResolvers<void>();
  const builder = await context({
    ...buildOptions(options),
    plugins: [
      nodeBuiltins,
      {
        name: "on-rebuild",
        setup: ({ onEnd }) =>
          onEnd(async ({ errors }) => {
            const problem = errors.length > 0 ? await describe(errors) : undefined;
            if (!first) return onRebuild(problem);
            if (problem === undefined) first.resolve();
            else first.reject(new StartError(problem));
            first = undefined;
          }),
      },
    ],
  });
  try {
    const firstBuild = first.promise;
    await Promise.all([builder.watch(), firstBuild]);
  } catch (error) {
    await builder.dispose();
    throw error;
  }
  return { stop: () => builder.dispose() };
}

/** As in `wrangler.toml`. */
export const COMPATIBILITY_FLAGS = ["nodejs_compat"];

/** The compatibility date of `wrangler.toml`, so that it runs here as it does once deployed. */
export async function readCompatibilityDate(): Promise<string> {
  const config = await readFile(`${root}/wrangler.toml`, "utf8").catch(() => "");
  const date = /^compatibility_date\s*=\s*"(\d{4}-\d{2}-\d{2})"/m.exec(config)?.[1];
  if (date === undefined) throw new StartError(`${root}/wrangler.toml has no compatibility_date.`);
  return date;
}

/** Node's modules are the runtime's; a `require` of one becomes an import, since modules cannot require there. */
const nodeBuiltins: Plugin = {
  name: "node-builtins",
  setup({ onResolve, onLoad }) {
    const names = builtinModules.filter((name) => !name.startsWith("_")).join("|");
    onResolve({ filter: new RegExp(`^(node:.*|${names})$`) }, ({ path, kind }) => {
      const name = path.startsWith("node:") ? path : `node:${path}`;
      return kind === "require-call" ? { path: name, namespace: "node-builtin" } : { path: name, external: true };
    });
    onLoad({ filter: /.*/, namespace: "node-builtin" }, ({ path }) => ({
      contents: `import all from "${path}"; module.exports = all;`,
    }));
  },
};

// As wrangler bundles: its conditions, its text modules, Node's built-ins left to the runtime.
function buildOptions({ outfile, entry = `${root}/src/index.ts`, minify = false }: BundleOptions): BuildOptions {
  return {
    entryPoints: [entry],
    outfile,
    absWorkingDir: root,
    bundle: true,
    format: "esm",
    target: "es2024",
    platform: "browser",
    conditions: ["workerd", "worker", "browser"],
    mainFields: ["browser", "module", "main"],
    external: ["cloudflare:*"],
    plugins: [nodeBuiltins],
    loader: { ".html": "text", ".txt": "text", ".sql": "text" },
    define: { "process.env.NODE_ENV": '"production"', "navigator.userAgent": '"Cloudflare-Workers"' },
    sourcemap: "linked",
    minify,
    logLevel: "silent",
  };
}

async function describe(errors: Message[], otherwise?: unknown): Promise<string> {
  if (errors.length === 0) return `The worker could not be bundled: ${String(otherwise)}`;
  const lines = await formatMessages(errors, { kind: "error", color: process.stdout.isTTY });
  return `The worker does not compile:\n${lines.join("").trimEnd()}`;
}
