import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import {
  type Lock,
  type LockedPackage,
  type Manifest,
  wrongPackages,
  wrongPackagesOf,
} from "../../scripts/packages.ts";

const INTEGRITY = `sha512-${"a".repeat(86)}==`;

/** A project with one package `left` at 1.0.0, with these differences. */
function project(manifest: Manifest, left: LockedPackage): [Manifest, Lock] {
  const own: Manifest = { dependencies: { left: "1.0.0" }, ...manifest };
  const { allowScripts: _, ...locked } = own;
  return [
    own,
    {
      packages: {
        "": locked,
        "node_modules/left": { version: "1.0.0", integrity: INTEGRITY, license: "MIT", ...left },
      },
    },
  ];
}

it("finds nothing wrong in this checkout", () => {
  expect(wrongPackagesOf(".")).toEqual([]);
});

it.each<[string, Manifest, LockedPackage]>([
  ["a package of the public registry", {}, { resolved: "https://registry.npmjs.org/left/-/left-1.0.0.tgz" }],
  ["a choice of licences", {}, { license: "(GPL-3.0-only OR MIT)" }],
  ["several licences at once", {}, { license: "(Apache-2.0 AND BSD-3-Clause)" }],
  ["a weaker licence of a tool", {}, { dev: true, license: "MPL-2.0" }],
  ["a package under another name", { dependencies: { left: "npm:@of/right@1.0.0" } }, {}],
  ["an install script that may run", { allowScripts: { left: true } }, { hasInstallScript: true }],
  ["an install script that may not", { allowScripts: { left: false } }, { hasInstallScript: true }],
])("lets %s pass", (_, manifest, left) => {
  expect(wrongPackages(...project(manifest, left))).toEqual([]);
});

it.each<[string, Manifest, LockedPackage, string]>([
  ["a range", { dependencies: { left: "^1.0.0" } }, {}, "left must have an exact version, not ^1.0.0"],
  ["a tag", { devDependencies: { left: "latest" } }, {}, "left must have an exact version, not latest"],
  ["a range under another name", { dependencies: { left: "npm:right@^1.0.0" } }, {}, "left must have an exact version"],
  ["a Git address", { dependencies: { left: "github:a/left" } }, {}, "left must have an exact version"],
  ["content that is not named", {}, { integrity: "" }, "node_modules/left has no integrity"],
  ["a weak digest", {}, { integrity: "sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=" }, "has no integrity"],
  ["another host", {}, { resolved: "https://registry.npmjs.org.example/left.tgz" }, "comes from elsewhere"],
  ["plain HTTP", {}, { resolved: "http://registry.npmjs.org/left.tgz" }, "comes from elsewhere"],
  ["a licence that is not listed", {}, { license: "GPL-3.0-only" }, "has the licence GPL-3.0-only; the Worker may"],
  ["a tool's licence in the Worker", {}, { license: "MPL-2.0" }, "has the licence MPL-2.0; the Worker may"],
  ["a licence that is partly allowed", {}, { license: "MIT AND GPL-3.0-only" }, "has the licence MIT AND GPL"],
  ["nested parentheses", {}, { license: "GPL-3.0-only AND (X OR MIT OR Y)" }, "has the licence GPL-3.0-only AND"],
  ["an install script that nobody allowed", {}, { hasInstallScript: true }, "whether left may run its install script"],
  ["a permission that is not needed", { allowScripts: { right: true } }, {}, "allowScripts names right"],
])("refuses %s", (_, manifest, left, problem) => {
  expect(wrongPackages(...project(manifest, left))).toEqual([expect.stringContaining(problem)]);
});

it("refuses a package without a licence", () => {
  const [manifest, lock] = project({}, {});
  delete lock.packages["node_modules/left"]!.license;
  expect(wrongPackages(manifest, lock)).toEqual([expect.stringContaining("has the licence none")]);
});

it("refuses a lock file of other packages than package.json asks for", () => {
  const [manifest, lock] = project({}, {});
  lock.packages[""] = { dependencies: { left: "1.0.1", right: "1.0.0" } };
  expect(wrongPackages(manifest, lock)).toEqual([
    expect.stringContaining("left differs"),
    expect.stringContaining("right differs"),
  ]);
});

it("refuses a package that names another licence than the lock file", () => {
  const [manifest, lock] = project({}, {});
  expect(wrongPackages(manifest, lock, () => "GPL-3.0-only")).toEqual([
    "node_modules/left names another licence than the lock file: GPL-3.0-only",
  ]);
});

it("keeps npm from writing ranges or hosts, and from running scripts that nobody allowed", () => {
  const settings = readFileSync(".npmrc", "utf8").split("\n");
  expect(settings).toEqual(
    expect.arrayContaining(["save-exact=true", "omit-lockfile-registry-resolved=true", "strict-allow-scripts=true"]),
  );
  expect(settings.filter((line) => /registry=|_auth/i.test(line) && !line.startsWith("omit-"))).toEqual([]);
});
