/** How one file of lines becomes calls. */
import type { Values } from "../row-to-trace.ts";

export interface LineParser {
  /** Whether a line is worth parsing: most bytes of a session are text. */
  wants(line: Buffer): boolean;
  take(record: Values): void;
  /** The file has no more lines. @param isLast if none are waited for. */
  end(isLast: boolean): void;
}
