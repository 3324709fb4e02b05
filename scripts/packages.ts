/**
 * What may come in with packages: exact versions, a lock file that names every package by its content and no other
 * registry, install scripts that someone allowed, and licences of two short lists. `npm run check` holds it.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** Of what is bundled into the Worker. They ask for a notice at most. */
const DEPLOYED = ["0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT"];
/** Of tools, which are run and not passed on. */
const TOOLS = [...DEPLOYED, "CC0-1.0", "LGPL-3.0-or-later", "MPL-2.0", "PSF-2.0", "Python-2.0"];

const EXACT = /^\d+\.\d+\.\d+(?:-[\w.-]+)?$/;
/** A package that stands beside another version of itself, under a name of its own. */
const ALIAS = /^npm:(?:@[\w.-]+\/)?[\w.-]+@/;
const SHA512 = /^sha512-[A-Za-z0-9+/]{86}==$/;
const PUBLIC_REGISTRY = "https://registry.npmjs.org/";

export interface Manifest {
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
  allowScripts?: Record<string, boolean>;
}

export interface LockedPackage extends Omit<Manifest, "allowScripts"> {
  version?: string;
  resolved?: string;
  integrity?: string;
  license?: string;
  dev?: boolean;
  hasInstallScript?: boolean;
}

export interface Lock {
  /** By folder; the project itself is `""`. */
  packages: Record<string, LockedPackage>;
}

/**
 * @param licenceOf the licence that an installed package itself names; undefined where it is not installed.
 * Returns a sentence for each thing that is wrong.
 */
export function wrongPackages(
  manifest: Manifest,
  lock: Lock,
  licenceOf: (folder: string) => unknown = () => undefined,
): string[] {
  const { "": project, ...packages } = lock.packages;
  return [
    ...inexact(manifest),
    ...differing(manifest, project ?? {}),
    ...Object.entries(packages).flatMap(([folder, locked]) => [
      ...contentProblems(folder, locked),
      ...licenceProblems(folder, locked, licenceOf(folder)),
    ]),
    ...scriptProblems(manifest.allowScripts ?? {}, packages),
  ];
}

/** The same of the checkout in this folder. */
export function wrongPackagesOf(root: string): string[] {
  const read = (file: string): unknown => JSON.parse(readFileSync(join(root, file), "utf8"));
  return wrongPackages(read("package.json") as Manifest, read("package-lock.json") as Lock, (folder) => {
    const file = join(folder, "package.json");
    return existsSync(join(root, file)) ? (read(file) as { license?: unknown }).license : undefined;
  });
}

function inexact(manifest: Manifest): string[] {
  return Object.entries({ ...manifest.dependencies, ...manifest.devDependencies })
    .filter(([, version]) => !EXACT.test(version.replace(ALIAS, "")))
    .map(([name, version]) => `package.json: ${name} must have an exact version, not ${version}`);
}

function differing(manifest: Manifest, project: LockedPackage): string[] {
  return (["dependencies", "devDependencies"] as const).flatMap((kind) => {
    const [asked, locked] = [manifest[kind] ?? {}, project[kind] ?? {}];
    return [...new Set([...Object.keys(asked), ...Object.keys(locked)])]
      .filter((name) => asked[name] !== locked[name])
      .map((name) => `package-lock.json: ${name} differs from package.json; run npm install`);
  });
}

function contentProblems(folder: string, { version, resolved, integrity }: LockedPackage): string[] {
  const problems = [];
  if (!SHA512.test(integrity ?? "")) problems.push("has no integrity");
  if (!EXACT.test(version ?? "")) problems.push("has no exact version");
  // Without `resolved` it comes from the registry that npm is set to, and the integrity says what must come.
  if (resolved !== undefined && !resolved.startsWith(PUBLIC_REGISTRY)) problems.push("comes from elsewhere");
  return problems.map((problem) => `package-lock.json: ${folder} ${problem}`);
}

function licenceProblems(folder: string, { license, dev }: LockedPackage, own: unknown): string[] {
  const allowed = dev === true ? TOOLS : DEPLOYED;
  const named = license ?? "none";
  if (own !== undefined && own !== license)
    return [`${folder} names another licence than the lock file: ${String(own)}`];
  if (isAllowed(named, allowed)) return [];
  return [
    `${folder} has the licence ${named}; ${dev === true ? "tools" : "the Worker"} may have ${allowed.join(", ")}`,
  ];
}

/** True if an SPDX expression offers a choice that is allowed. Nested parentheses are not read, and so not allowed. */
function isAllowed(expression: string, allowed: readonly string[]): boolean {
  const plain = expression.replace(/^\(([^()]*)\)$/, "$1");
  if (/[()]/.test(plain)) return false;
  return plain.split(" OR ").some((choice) => choice.split(" AND ").every((id) => allowed.includes(id)));
}

function scriptProblems(allowed: Record<string, boolean>, packages: Lock["packages"]): string[] {
  const scripted = new Set(
    Object.entries(packages)
      .filter(([, { hasInstallScript }]) => hasInstallScript === true)
      .map(([folder]) => folder.slice(folder.lastIndexOf("node_modules/") + "node_modules/".length)),
  );
  return [
    ...[...scripted]
      .filter((name) => !(name in allowed))
      .map((name) => `package.json: allowScripts must say whether ${name} may run its install script`),
    ...Object.keys(allowed)
      .filter((name) => !scripted.has(name))
      .map((name) => `package.json: allowScripts names ${name}, which has no install script`),
  ];
}
