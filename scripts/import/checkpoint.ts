/** How far an import came, so that the same command goes on there after a kill. */
import { createHash } from "node:crypto";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Position } from "./batches.ts";

export interface Checkpoint {
  path: string;
  load(): Promise<Position | undefined>;
  /** Keeps the newest; writes at most twice a second. */
  save(position: Position): void;
  /** Writes what `save` still holds back. */
  flush(): Promise<void>;
  remove(): Promise<void>;
}

const WRITE_EVERY_MS = 500;

/** @param subject what makes it the same import: file, options, server. Only a digest of it is kept. */
export function openCheckpoint(folder: string, subject: unknown): Checkpoint {
  const digest = createHash("sha256").update(JSON.stringify(subject)).digest("hex").slice(0, 32);
  const path = join(folder, `${digest}.json`);
  let newest: Position | undefined;
  let writing: Promise<void> | undefined;
  let writtenAt = Number.NEGATIVE_INFINITY;

  const write = async (): Promise<void> => {
    const position = newest;
    newest = undefined;
    writtenAt = performance.now();
    const half = `${path}.${process.pid}`;
    await mkdir(dirname(path), { recursive: true });
    await writeFile(half, `${JSON.stringify(position)}\n`);
    await rename(half, path);
  };
  const flush = async (): Promise<void> => {
    await writing;
    if (newest) await write();
  };

  return {
    path,
    async load() {
      const text = await readFile(path, "utf8").catch(() => "null");
      const position = JSON.parse(text) as Position | null;
      return position ?? undefined;
    },
    save(position) {
      newest = position;
      if (writing || performance.now() - writtenAt < WRITE_EVERY_MS) return;
      // A checkpoint that cannot be written costs time after a kill, nothing else.
      writing = write()
        .catch(() => undefined)
        .finally(() => (writing = undefined));
    },
    flush,
    async remove() {
      await writing;
      newest = undefined;
      await rm(path, { force: true });
    },
  };
}
