/** Which files an import has dealt with, so that the same command goes on behind them. Only digests of paths are kept. */
import { hash } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { AgentFile } from "./agent-files.ts";

export interface DoneFiles {
  isDone(file: AgentFile): boolean;
  /** All calls of the file, as it was found, are in the ledger. */
  done(file: AgentFile): void;
  save(): Promise<void>;
}

/** @param subject what makes it the same import: source, flags, server. */
export async function openDoneFiles(folder: string, subject: unknown): Promise<DoneFiles> {
  const path = join(folder, `agent-${hash("sha256", JSON.stringify(subject), "hex").slice(0, 32)}.json`);
  const known = await read(path);
  let isChanged = false;
  return {
    isDone: (file) => known.get(digestOf(file)) === stateOf(file),
    done(file) {
      known.set(digestOf(file), stateOf(file));
      isChanged = true;
    },
    async save() {
      if (!isChanged) return;
      isChanged = false;
      const half = `${path}.${process.pid}`;
      await mkdir(dirname(path), { recursive: true });
      await writeFile(half, `${JSON.stringify(Object.fromEntries(known))}\n`);
      await rename(half, path);
    },
  };
}

/** One that cannot be read costs time, nothing else. */
async function read(path: string): Promise<Map<string, string>> {
  try {
    return new Map(Object.entries(JSON.parse(await readFile(path, "utf8")) as Record<string, string>));
  } catch {
    return new Map();
  }
}

function digestOf({ path }: AgentFile): string {
  return hash("sha256", path, "hex").slice(0, 24);
}

function stateOf({ bytes, changedAtMs }: AgentFile): string {
  return `${bytes}@${Math.floor(changedAtMs)}`;
}
