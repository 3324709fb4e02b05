/** From rows to bodies: converted, named, and cut to a size that the server takes. */
import { createHash, hash } from "node:crypto";
import { BadCell } from "./fields.ts";
import { countIdentical, rowId } from "./identical-rows.ts";
import { rowToTrace, type Mapping } from "./row-to-trace.ts";
import type { Row } from "./rows.ts";

export interface Batch {
  /** A JSON array of native calls. */
  body: string;
  /** The line of each call in the body. */
  lines: number[];
  /** Where in the file the batch ends. */
  end: Position;
}

/** Everything up to here is dealt with. */
export interface Position {
  /** Rows read, good or bad. */
  rows: number;
  /** Rows refused before they were sent. */
  refused: number;
  /** Digest of all these rows: tells whether a file still begins as it did. */
  digest: string;
}

export interface Batching {
  mapping: Mapping;
  idPrefix: string;
  /** Rows a batch. */
  size: number;
  /** Rows up to here are read but not sent again. */
  from?: Position | undefined;
  onRefused(line: number, reason: string): void;
}

/** The file does not begin with the rows that an earlier run acknowledged. */
export class FileChanged extends Error {}

/** Half of what the server takes, so that characters of several bytes fit too. */
const MAX_BODY_CHARS = 4_000_000;
const MAX_CALL_CHARS = 1_000_000;

/** @throws FileChanged when the rows up to `from` are not those that it stands for. */
export async function* makeBatches(rows: AsyncIterable<Row>, batching: Batching): AsyncGenerator<Batch> {
  const { from, size } = batching;
  const seen = createHash("sha256");
  const identicalBefore = countIdentical();
  let read = 0;
  let refused = 0;
  let calls: string[] = [];
  let lines: number[] = [];
  let chars = 0;

  const cut = (): Batch => {
    const body = `[${calls.join(",")}]`;
    const batch = { body, lines, end: { rows: read, refused, digest: seen.copy().digest("hex") } };
    calls = [];
    lines = [];
    chars = 0;
    return batch;
  };

  for await (const row of rows) {
    const digest = hash("sha256", row.content, "hex");
    const ordinal = identicalBefore(digest);
    if (from && read < from.rows) {
      seen.update(digest);
      read++;
      if (read < from.rows) continue;
      if (seen.copy().digest("hex") !== from.digest) throw new FileChanged();
      refused = from.refused;
      continue;
    }
    let call: string | undefined;
    try {
      call = toCall(row, () => rowId(batching.idPrefix, digest, ordinal), batching.mapping);
    } catch (error) {
      if (!(error instanceof BadCell)) throw error;
      refused++;
      batching.onRefused(row.line, error.message);
    }
    if (call !== undefined && calls.length > 0 && chars + call.length > MAX_BODY_CHARS) yield cut();
    // Only now: a batch that is cut before this row must not claim it.
    seen.update(digest);
    read++;
    if (call === undefined) continue;
    calls.push(call);
    lines.push(row.line);
    chars += call.length + 1;
    if (calls.length === size) yield cut();
  }
  if (from && read < from.rows) throw new FileChanged();
  if (calls.length > 0) yield cut();
}

function toCall(row: Row, makeId: () => string, mapping: Mapping): string {
  if (row.values === null) throw new BadCell(row.problem);
  const trace = rowToTrace(row.values, mapping);
  trace["id"] ??= makeId();
  const call = JSON.stringify(trace);
  if (call.length > MAX_CALL_CHARS) throw new BadCell(`the row has ${call.length} characters, more than any call`);
  return call;
}
