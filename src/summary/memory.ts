/** The answers that an isolate has seen. What was used least lately is forgotten first. */
import type { Entry } from "./answer.ts";

/** An isolate has 128 MB for all that it does. */
const MOST_BYTES = 8_000_000;

export interface Memory {
  /** What is remembered and not over. */
  get(key: string, nowMs: number): Entry | undefined;
  set(key: string, entry: Entry): void;
}

export function createMemory(): Memory {
  const entries = new Map<string, Entry>();
  let bytes = 0;
  const drop = (key: string): void => {
    bytes -= sizeOf(entries.get(key));
    entries.delete(key);
  };
  return {
    get(key, nowMs) {
      const entry = entries.get(key);
      if (entry === undefined) return undefined;
      entries.delete(key);
      entries.set(key, entry);
      if (entry.untilMs > nowMs) return entry;
      drop(key);
      return undefined;
    },
    set(key, entry) {
      drop(key);
      entries.set(key, entry);
      bytes += sizeOf(entry);
      for (const oldest of entries.keys()) {
        if (bytes <= MOST_BYTES) break;
        drop(oldest);
      }
    },
  };
}

/** With a kilobyte for the key and the objects. */
function sizeOf(entry: Entry | undefined): number {
  return entry === undefined ? 0 : entry.answer.body.length + 1_000;
}
