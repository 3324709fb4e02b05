/** The bundled Worker in bare `workerd serve`, without Miniflare around it: what the benchmarks load. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire, type SourceMapPayload } from "node:module";
import { tmpdir } from "node:os";
import { join, relative, resolve } from "node:path";
import { bundle, COMPATIBILITY_FLAGS, readCompatibilityDate } from "../local/bundle.ts";
import { guardChildren } from "../local/guardian.ts";
import { freePort } from "../local/listen.ts";
import { DIST, SCRIPT } from "../local/page-files.ts";
import { waitUntilHealthy } from "../local/dev-keys.ts";

const CHECKOUT = resolve(import.meta.dirname, "../..");
const { default: workerd } = createRequire(import.meta.url)("workerd") as { default: string };

export interface BareWorkerd {
  url: string;
  pid: number;
  /** Where the lines of what it runs come from. The sources are paths from the checkout's folder. */
  sourceMap(): Promise<SourceMapPayload>;
  stop(): Promise<void>;
}

/**
 * Starts the Worker (or another ES module) with these bindings, text or JSON, on a free port.
 *
 * @param logFile where what it writes goes; default: to this process' own output.
 * @param inspectorPort where V8 can be asked about the isolate; default: nowhere.
 * @param minify as wrangler.toml says; otherwise functions keep their names.
 * @param page serves the page from `dist/page`, too.
 */
export async function startWorkerd(
  bindings: Record<string, string | object>,
  entry?: string,
  logFile?: string,
  inspectorPort?: number,
  minify = true,
  page = false,
): Promise<BareWorkerd> {
  guardChildren();
  await using started = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "llm-cost-workerd-"));
  started.defer(() => rm(folder, { recursive: true, force: true }));
  await bundle({ outfile: join(folder, "worker.js"), minify, ...(entry === undefined ? {} : { entry }) });
  const port = await freePort();
  await writeFile(join(folder, "config.capnp"), config(port, await readCompatibilityDate(), bindings, page));
  const output = logFile === undefined ? "inherit" : openSync(logFile, "w");
  const inspector = inspectorPort === undefined ? [] : [`--inspector-addr=127.0.0.1:${inspectorPort}`];
  const args = ["serve", join(folder, "config.capnp"), ...inspector];
  const child = spawn(workerd, args, { stdio: ["ignore", output, output] });
  if (typeof output === "number") closeSync(output);
  started.defer(() => end(child));
  const url = `http://127.0.0.1:${port}`;
  await waitUntilHealthy(url);
  const all = started.move();
  const sourceMap = async (): Promise<SourceMapPayload> => {
    const map = JSON.parse(await readFile(join(folder, "worker.js.map"), "utf8")) as SourceMapPayload;
    return { ...map, sources: map.sources.map((source) => relative(CHECKOUT, resolve(folder, source))) };
  };
  return { url, pid: child.pid!, sourceMap, stop: () => all.disposeAsync() };
}

async function end(child: ChildProcess): Promise<void> {
  // A terminal's Ctrl-C has ended it already.
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill();
  await ended;
}

function config(
  port: number,
  compatibilityDate: string,
  bindings: Record<string, string | object>,
  page: boolean,
): string {
  const list = Object.entries(bindings).map(([name, value]) =>
    typeof value === "string"
      ? `(name = ${JSON.stringify(name)}, text = ${JSON.stringify(value)})`
      : `(name = ${JSON.stringify(name)}, json = ${JSON.stringify(JSON.stringify(value))})`,
  );
  if (page) list.push(`(name = "ASSETS", service = "files")`);
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .worker),
    (name = "internet", network = (allow = ["public", "private"])),${page ? files(compatibilityDate) : ""}
  ],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")],
);
const worker :Workerd.Worker = (
  modules = [(name = "worker.js", esModule = embed "worker.js")],
  compatibilityDate = "${compatibilityDate}",
  compatibilityFlags = ${JSON.stringify(COMPATIBILITY_FLAGS)},
  bindings = [${list.join(", ")}],
);
`;
}

/** The page's files, as in `npm run dev`. */
function files(compatibilityDate: string): string {
  return `
    (name = "dist", disk = (path = ${JSON.stringify(DIST)}, writable = false)),
    (name = "files", worker = (
      modules = [(name = "files.js", esModule = ${JSON.stringify(SCRIPT)})],
      compatibilityDate = "${compatibilityDate}",
      bindings = [(name = "DIST", service = "dist")],
    )),`;
}
