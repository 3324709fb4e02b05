/**
 * What the documents list by hand: files, routes, fields, buckets and variables. What is forgotten or gone fails here.
 */
import { globSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, expect, inject, it } from "vitest";
import { createApp } from "../src/app.ts";
import { parseConfig } from "../src/config.ts";
import { createDeps } from "../src/deps.ts";
import { operationOf } from "../src/http/operation.ts";
import { NativeTrace } from "../src/ingest/decode/native-schema.ts";
import { BUCKETS } from "../src/ledger/buckets.ts";

const ROOT = join(import.meta.dirname, "..");
const FILES = globSync(["*.{md,ts}", "{.github,drizzle,scripts,src,test}/**/*.{md,sql,ts}"], { cwd: ROOT });
const DOCUMENTS = FILES.filter((file) => file.endsWith(".md"));

const read = (file: string): string => readFileSync(join(ROOT, file), "utf8");
/** The texts between backticks. */
const namesIn = (file: string): string[] => [...read(file).matchAll(/`([^`\n]+)`/g)].map(([, name]) => name!);

describe.each(DOCUMENTS)("%s", (document) => {
  it("names files that are there", () => {
    const named = namesIn(document).filter((name) => /^[\w./-]+\.(?:ts|sql)$/.test(name));
    const ends = named.map((name) => `/${name.replace(/^(?:\.\.?\/)+/, "")}`);
    expect(ends.filter((end) => !FILES.some((file) => `/${file}`.endsWith(end)))).toEqual([]);
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
