/**
 * The lines of a file that may grow meanwhile, with the memory of a few. A line that is too long is skipped; one without
 * its end is left for later.
 */
import { open } from "node:fs/promises";

const CHUNK_BYTES = 1 << 20;
export const MAX_LINE_BYTES = 16 << 20;
const LINE_FEED = 10;

export interface Lines {
  /** Valid until the next ones are asked for. */
  lines: Buffer[];
  /** How many lines among them were too long. */
  tooLong: number;
  /** Where in the file the next line begins. */
  next: number;
}

/** @param from where a line begins. @returns what follows the last line feed; null if that is too long. */
export async function* readLinesFrom(path: string, from: number): AsyncGenerator<Lines, Buffer | null> {
  await using file = await open(path, "r");
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  let position = from;
  let rest: Buffer[] = [];
  let restBytes = 0;
  let isTooLong = false;
  for (;;) {
    const { bytesRead } = await file.read(chunk, 0, CHUNK_BYTES, position);
    if (bytesRead === 0) return isTooLong ? null : Buffer.concat(rest);
    position += bytesRead;
    const read = chunk.subarray(0, bytesRead);
    const found: Lines = { lines: [], tooLong: 0, next: 0 };
    let start = 0;
    for (let end = read.indexOf(LINE_FEED); end >= 0; end = read.indexOf(LINE_FEED, start)) {
      if (isTooLong) found.tooLong++;
      else
        found.lines.push(
          restBytes > 0 ? Buffer.concat([...rest, read.subarray(start, end)]) : read.subarray(start, end),
        );
      [rest, restBytes, isTooLong] = [[], 0, false];
      start = end + 1;
    }
    const left = bytesRead - start;
    restBytes += left;
    if (restBytes > MAX_LINE_BYTES) [rest, isTooLong] = [[], true];
    else if (left > 0) rest.push(Buffer.from(read.subarray(start)));
    found.next = position - restBytes;
    yield found;
  }
}
