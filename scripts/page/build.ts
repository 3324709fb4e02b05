/**
 * The page's files in `dist/page`, made by Vite from `src/page`. A stamp beside them tells which sources they are from,
 * so nothing is built twice. The new files take the place of the old ones at once.
 */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { gzipSync } from "node:zlib";

const ROOT = resolve(import.meta.dirname, "../..");
const SOURCE = join(ROOT, "src/page");
const OUT = join(ROOT, "dist/page");
const STAMP = join(ROOT, "dist/page.stamp");
/** Beside the sources, what decides the files. */
const ALSO = ["package-lock.json", "scripts/page/build.ts", "scripts/page/vite.ts"];

export const PAGE_SOURCE = SOURCE;

/** Are the files there, and of these sources? */
export async function isFresh(): Promise<boolean> {
  const stamp = await readFile(STAMP, "utf8").catch(() => "");
  return existsSync(join(OUT, "index.html")) && stamp === (await digestOfSources());
}

/** @returns a sentence about the sizes. @throws Error with Vite's message. */
export async function buildPage(): Promise<string> {
  const digest = await digestOfSources();
  // Loading Vite takes longer than finding out that nothing changed.
  const { bundlePage } = await import("./vite.ts");
  const [made, old] = [`${OUT}.${process.pid}`, `${OUT}.${process.pid}.old`];
  await mkdir(join(ROOT, "dist"), { recursive: true });
  try {
    await bundlePage(SOURCE, made);
    await rename(OUT, old).catch(() => undefined);
    await rename(made, OUT);
    await writeFile(STAMP, digest);
  } finally {
    for (const folder of [made, old]) await rm(folder, { recursive: true, force: true });
  }
  return await describeSizes();
}

/** Only of what belongs to the page: the API's own description is a page apart. */
async function describeSizes(): Promise<string> {
  const names = (await readdir(join(OUT, "assets"))).filter((name) => !name.startsWith("docs"));
  const sizes = await Promise.all(
    names.map(async (name) => gzipSync(await readFile(join(OUT, "assets", name))).length),
  );
  const total = sizes.reduce((sum, size) => sum + size, 0);
  return `${(total / 1_024).toFixed(0)} KiB gzip in ${names.length} files.`;
}

async function digestOfSources(): Promise<string> {
  const names = await readdir(SOURCE, { recursive: true, withFileTypes: true });
  const sources = names
    .filter((entry) => entry.isFile() && !entry.name.endsWith(".d.ts") && !entry.name.endsWith(".md"))
    .map((entry) => join(entry.parentPath, entry.name));
  const hash = createHash("sha256");
  for (const file of [...sources.sort(), ...ALSO.map((name) => join(ROOT, name))]) {
    hash.update(`${file.slice(ROOT.length)}\0`).update(await readFile(file));
  }
  return hash.digest("hex");
}
