/**
 * One dev server per data folder. The lock is a local socket that is listened on: the kernel drops it with its process,
 * however that ends, so there are no stale locks to judge by pid. On Linux the socket is abstract (not a file at all).
 */
import { createHash } from "node:crypto";
import { rm, realpath } from "node:fs/promises";
import { connect, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { StartError } from "./start-error.ts";

/**
 * Takes the lock of an existing folder and returns the function that gives it back.
 *
 * @throws StartError when another process holds it.
 */
export async function lockFolder(folder: string): Promise<() => Promise<void>> {
  const path = socketPath(folderHash(await realpath(folder)));
  const server = (await listen(path)) ?? (await listenInPlaceOfTheDead(path));
  if (!server) {
    throw new StartError(
      `Another dev server is already using ${folder}: stop it first, or choose another folder with DATA_DIR.`,
    );
  }
  server.unref();
  return () => new Promise((resolve) => server.close(() => resolve()));
}

/** A name for a folder that fits into a socket's or another folder's name. */
export function folderHash(realPath: string): string {
  return createHash("sha256").update(realPath).digest("hex").slice(0, 20);
}

function socketPath(hash: string): string {
  if (process.platform === "linux") return `\0llm-cost-${hash}`;
  if (process.platform === "win32") return `\\\\.\\pipe\\llm-cost-${hash}`;
  return join(tmpdir(), `llm-cost-${hash}.sock`);
}

function listen(path: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EADDRINUSE") resolve(undefined);
      else reject(error);
    });
    server.listen(path, () => resolve(server));
  });
}

// Only a socket that is a file outlives its process (macOS): nobody answers there, so it may go.
async function listenInPlaceOfTheDead(path: string): Promise<Server | undefined> {
  if (process.platform === "linux" || process.platform === "win32" || (await answers(path))) return undefined;
  await rm(path, { force: true });
  return listen(path);
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
