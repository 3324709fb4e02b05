/** A file that is one JSON document. Some editors begin it with a mark of its byte order, which is no JSON. */
import { readFile } from "node:fs/promises";

export async function readDocument(path: string): Promise<unknown> {
  return JSON.parse((await readFile(path, "utf8")).replace(/^\uFEFF/, ""));
}
