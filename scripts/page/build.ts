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
const ALSO = [
  "package-lock.json",
  "scripts/page/build.ts",
  "scripts/page/show-agents.ts",
  "scripts/page/trim-plot.ts",
  "scripts/page/vite.ts",
];

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

async function describeSizes(): Promise<string> {
  const sizes = await weighPage(OUT);
  const total = [...sizes.values()].reduce((sum, size) => sum + size, 0);
  return `${(total / 1_000).toFixed(1)} kB gzip in ${sizes.size} files.`;
}

/**
 * The compressed size in bytes of each file that `/` and its views load: the documents, and what they lead to. `/docs` is
 * a page apart.
 */
export async function weighPage(out = OUT): Promise<Map<string, number>> {
  const assets = await readdir(join(out, "assets"));
  const sizes = new Map<string, number>();
  const add = async (name: string, path: string): Promise<void> => {
    if (sizes.has(name)) return;
    const bytes = await readFile(join(out, path));
    sizes.set(name, gzipSync(bytes).length);
    // A name has its hash in it, so a file that has the name loads the file.
    const text = bytes.toString();
    for (const other of assets) if (text.includes(other)) await add(other, join("assets", other));
  };
  for (const document of ["index.html", "view.html"]) await add(document, document);
  return sizes;
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
