/**
 * What the documents list by hand: files, routes, fields, buckets, variables, commands and alerts. What is forgotten or
 * gone fails here.
 */
import { existsSync, globSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { describe, expect, inject, it } from "vitest";
import { experimental_getWranglerCommands } from "wrangler";
import { createApp } from "../src/app.ts";
import { parseConfig } from "../src/config.ts";
import { createDeps } from "../src/deps.ts";
import { operationOf } from "../src/http/operation.ts";
import { NativeTrace } from "../src/ingest/decode/native-schema.ts";
import { BUCKETS } from "../src/ledger/buckets.ts";

const ROOT = join(import.meta.dirname, "..");
const FILES = globSync(["*.{md,ts}", "{.github,drizzle,scripts,src,test}/**/*.{md,sql,ts}"], { cwd: ROOT });
/** Made by the build, so it may not be there yet. */
const MADE = ["src/page/api.d.ts"];
const DOCUMENTS = FILES.filter((file) => file.endsWith(".md"));

const read = (file: string): string => readFileSync(join(ROOT, file), "utf8");
/** The texts between backticks. */
const namesIn = (file: string): string[] => [...read(file).matchAll(/`([^`\n]+)`/g)].map(([, name]) => name!);

const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> };

function leadsSomewhere(document: string, link: string): boolean {
  const [path = "", heading] = link.split("#");
  const file = path === "" ? document : join(dirname(document), path);
  if (heading === undefined) return existsSync(join(ROOT, file));
  const text = existsSync(join(ROOT, file)) ? read(file) : "";
  // GitHub's names of headings.
  const headings = [...text.matchAll(/^#+ (.+)$/gm)].map(([, title]) =>
    title!
      .toLowerCase()
      .replace(/[^\w\s-]/g, "")
      .replaceAll(" ", "-"),
  );
  return headings.includes(heading) || text.includes(`<a id="${heading}">`);
}

/** What of a command line is no command or flag of wrangler; null if all of it is. */
function unknownToWrangler(line: string): string | null {
  const words = line.trim().split(/\s+/);
  let node: WranglerNode = wrangler.registry;
  while (words[0] !== undefined && node.subtree.has(words[0])) node = node.subtree.get(words.shift()!)!;
  if (node.definition?.type !== "command") return `wrangler ${line}`;
  const flags = words.filter((word) => word.startsWith("--")).map((word) => word.slice(2).split("=")[0]!);
  const known = { ...wrangler.globalFlags, ...node.definition.args };
  const unknown = flags.find((flag) => !(flag in known));
  return unknown === undefined ? null : `wrangler ${line}: --${unknown}`;
}

interface WranglerNode {
  subtree: Map<string, WranglerNode>;
  definition?: { type: string; args?: Record<string, unknown> };
}
const wrangler = experimental_getWranglerCommands() as unknown as {
  registry: WranglerNode;
  globalFlags: Record<string, unknown>;
};

describe.each(DOCUMENTS)("%s", (document) => {
  it("names files that are there", () => {
    const named = namesIn(document).filter((name) => /^[\w./-]+\.(?:ts|sql)$/.test(name));
    const ends = named.map((name) => `/${name.replace(/^(?:\.\.?\/)+/, "")}`);
    expect(ends.filter((end) => ![...FILES, ...MADE].some((file) => `/${file}`.endsWith(end)))).toEqual([]);
  });

  it("links to files and headings that are there", () => {
    const links = [...read(document).matchAll(/\]\((?!https?:)([^)\s]+)\)/g)].map(([, link]) => link!);
    expect(links.filter((link) => !leadsSomewhere(document, link))).toEqual([]);
  });

  it("names scripts of package.json", () => {
    const named = [...read(document).matchAll(/\bnpm run ([a-z][\w:-]*)/g)].map(([, name]) => name!);
    expect(named.filter((name) => !(name in scripts))).toEqual([]);
  });

  it("names commands and flags that wrangler has", () => {
    const lines = read(document)
      .replaceAll("\\\n", " ")
      .matchAll(/\bwrangler ((?:[a-z][a-z-]*|--[a-z]).*?)(?:`|\n| #|;)/g);
    expect([...lines].map(([, line]) => unknownToWrangler(line!)).filter((problem) => problem !== null)).toEqual([]);
  });

  it("has lines of at most 120 columns, but for tables", () => {
    const lines = read(document).split("\n");
    expect(lines.filter((line) => line.length > 120 && !line.startsWith("|"))).toEqual([]);
  });
});

it.each(["http", "rollup", "summary", "explain", "pricing", "ingest", "insight", "write"])(
  "src/%s/README.md names each file",
  (room) => {
    const named = new Set(namesIn(`src/${room}/README.md`).map((name) => basename(name)));
    const files = FILES.filter((file) => file.startsWith(`src/${room}/`) && file.endsWith(".ts"));
    // Forms of usage objects are listed by provider, OTLP's encodings together.
    const own = files.filter((file) => !/\/(?:usage-objects|otlp)\//.test(file)).map((file) => basename(file));
    expect(own.filter((file) => !named.has(file))).toEqual([]);
  },
);

describe("src/http/README.md", () => {
  const names = new Set(namesIn("src/http/README.md"));

  it("names each route", () => {
    const app = createApp(createDeps(parseConfig(inject("bindings"))));
    const routes = app.routes.filter(({ handler }) => operationOf(handler) !== undefined);
    const listed = new Set(
      [...names].flatMap((name) => {
        const [, methods = "", path = ""] = /^([A-Z, ]+) (\/.*)$/.exec(name) ?? [];
        return methods.split(", ").map((method) => `${method} ${path}`);
      }),
    );
    const all = routes.map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, "{$1}")}`);
    expect(all.filter((route) => !listed.has(route))).toEqual([]);
  });

  it("names each field of a native call, and each bucket", () => {
    expect([...Object.keys(NativeTrace.shape), ...BUCKETS].filter((name) => !names.has(name))).toEqual([]);
  });
});

it("src/README.md names each variable, of the Worker and of `npm run dev`", () => {
  const names = new Set(namesIn("src/README.md"));
  const ofWorker = [...read("src/config.ts").matchAll(/^ {4}([A-Z_]+): /gm)].map(([, name]) => name!);
  const ofDev = [...read("scripts/local/dev-server.ts").matchAll(/"([A-Z]+(?:_[A-Z]+)+)"/g)].map(([, name]) => name!);
  expect(ofWorker).toContain("DATABASE_URL");
  expect(ofDev).toContain("DATA_DIR");
  expect([...ofWorker, ...ofDev].filter((name) => !names.has(name))).toEqual([]);
});

it("src/RUNBOOK.md says what to do about each alert, and names no other alert and no metric without one", () => {
  const rules = globSync("scripts/monitoring/rules/*.yml", { cwd: ROOT }).map(read).join("\n");
  const alerts = new Set([...rules.matchAll(/- alert: (\w+)/g)].map(([, name]) => name!));
  const named = new Set(namesIn("src/RUNBOOK.md").filter((name) => /^(?:LlmCost|Node)[A-Z]\w+$/.test(name)));
  expect([...named].sort()).toEqual([...alerts].sort());
  const metrics = namesIn("src/RUNBOOK.md").filter((name) => /^(?:llm|http)_\w+$/.test(name));
  expect(metrics.filter((name) => !rules.includes(name))).toEqual([]);
});
