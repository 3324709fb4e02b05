/**
 * The usage export of Cursor's dashboard, a CSV. A row has no id, so its content and the number of identical rows before
 * it identify it.
 */
import { hash } from "node:crypto";
import { createReadStream } from "node:fs";
import { countIdentical, rowId } from "../identical-rows.ts";
import { coverOfCursor } from "../../../src/ingest/decode/covered-by.ts";
import type { Values } from "../row-to-trace.ts";
import { readRows } from "../rows.ts";
import { toRfc3339 } from "../timestamp.ts";
import { type FoundCall, type Sink, SKIPPED } from "./found-call.ts";

const INPUT_AND_WRITE = "Input (w/ Cache Write)";
const INPUT = "Input (w/o Cache Write)";
const READ = "Cache Read";
const OUTPUT = "Output Tokens";

export async function readCursor(path: string, sink: Sink): Promise<void> {
  const identicalBefore = countIdentical(1 << 10);
  let isExport = true;
  const rows = readRows(createReadStream(path), "csv", ",", (columns) => {
    isExport = [INPUT_AND_WRITE, INPUT, READ, OUTPUT, "Date", "Model"].every((name) => columns.includes(name));
    if (!isExport) sink.skip(SKIPPED.otherForm);
  });
  for await (const { content, values } of rows) {
    if (!isExport) return;
    const digest = hash("sha256", content, "hex");
    const id = rowId("cursor", digest, identicalBefore(digest));
    const found = values === null ? SKIPPED.unreadable : toCall(values, id);
    if (typeof found === "string") sink.skip(found);
    else sink.call(found);
  }
}

function toCall(row: Values, id: string): FoundCall | string {
  const time = toRfc3339(String(row["Date"] ?? ""), 0);
  if (time === null) return SKIPPED.noTime;
  const counts = [INPUT_AND_WRITE, INPUT, READ, OUTPUT].map((name) => digitsOf(row[name]));
  if (counts.includes(undefined)) return SKIPPED.badCounts;
  const [writes, fresh, reads, output] = counts as [number, number, number, number];
  const input = writes + fresh + reads;
  const cost = /^\$?(\d+(?:\.\d{1,12})?)$/.exec(String(row["Cost"] ?? "").trim())?.[1];
  return {
    id,
    key: id,
    startedAtMs: Date.parse(time),
    application: "cursor",
    model: String(row["Model"]).trim() || "unknown",
    otherIds: [],
    counts: { input_tokens: input, output_tokens: output, cache_read_tokens: reads, cache_write_tokens: writes },
    tokens: input + output,
    costUsd: cost,
    coveredBy: coverOfCursor(String(row["Kind"] ?? "").trim()),
    tags: {
      max_mode:
        String(row["Max Mode"] ?? "")
          .trim()
          .toLowerCase() === "yes"
          ? "yes"
          : undefined,
    },
  };
}

function digitsOf(value: unknown): number | undefined {
  const text = String(value ?? "")
    .replaceAll(",", "")
    .trim();
  return /^\d{1,10}$/.test(text) && Number(text) < 2 ** 31 ? Number(text) : undefined;
}
