/** `npm run monitoring`: from the declarations of this folder to its files. */
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { monitoringFiles } from "./files.ts";

export async function main(): Promise<void> {
  for (const [path, text] of monitoringFiles()) {
    const file = join(import.meta.dirname, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
    console.log(`scripts/monitoring/${path}`);
  }
}
