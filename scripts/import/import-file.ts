/** A whole import: the file is read, sent and acknowledged, from where an earlier run was interrupted. */
import { createReadStream, type ReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { Readable } from "node:stream";
import type { Ledger } from "../client/ledger.ts";
import { postTraces } from "../client/post-traces.ts";
import { sendBatches } from "../client/send-batches.ts";
import type { Server } from "../client/server.ts";
import type { Tally } from "../client/tally.ts";
import { CommandError } from "../command.ts";
import { type Progress, startProgress } from "../progress.ts";
import { FileChanged, makeBatches, type Batch, type Position } from "./batches.ts";
import { openCheckpoint, type Checkpoint } from "./checkpoint.ts";
import type { ImportOptions } from "./options.ts";
import { readRows } from "./rows.ts";

export interface Imported {
  /** Rows that an earlier run had dealt with, and how many of them it refused. */
  earlier: { rows: number; refused: number };
  /** False when it was interrupted: run again to continue. */
  complete: boolean;
}

export interface ImportContext {
  /** Part of what makes two commands the same import. */
  server: Server;
  ledger: Ledger;
  dataDir: string;
  /** Counts along, so that it is right also when the import fails half way. */
  tally: Tally;
  /** Once true, what is under way is finished and nothing more is sent. */
  interrupted: () => boolean;
}

/** @throws CommandError when it cannot go on. */
export async function importFile(options: ImportOptions, context: ImportContext): Promise<Imported> {
  if (options.file === "-") return await run(options, context, { source: process.stdin, bytesRead: () => 0 });

  const bytes = await sizeOf(options.file);
  const checkpoint = openCheckpoint(join(context.dataDir, "import"), subjectOf(options, context.server));
  const from = options.restart ? undefined : await checkpoint.load();
  try {
    return await run(options, context, { ...open(options.file), bytes, checkpoint, from });
  } catch (error) {
    if (!(error instanceof FileChanged)) throw error;
    console.error("The file is not the one that an earlier run began: all of it is sent; what is known counts once.");
    return await run(options, context, { ...open(options.file), bytes, checkpoint });
  }
}

interface Run {
  source: Readable;
  bytesRead: () => number;
  bytes?: number;
  checkpoint?: Checkpoint;
  from?: Position | undefined;
}

function open(file: string): Pick<Run, "source" | "bytesRead"> {
  const source: ReadStream = createReadStream(file, { highWaterMark: 1 << 18 });
  return { source, bytesRead: () => source.bytesRead };
}

async function run(options: ImportOptions, context: ImportContext, run: Run): Promise<Imported> {
  const { tally, interrupted } = context;
  const { source, bytesRead, bytes, checkpoint, from } = run;
  const progress = startProgress("Importing", bytes);
  let refusedByServer = 0;

  const rows = readRows(source, options.format, options.delimiter, (columns) => checkColumns(columns, options));
  const batches = makeBatches(rows, {
    mapping: options.mapping,
    idPrefix: options.idPrefix,
    size: options.batch,
    from,
    onRefused: (line, reason) => tally.reject(line, reason),
  });
  try {
    await sendBatches(batches, {
      concurrency: options.concurrency,
      send: (batch) => send(batch, context, progress),
      onAcked({ end, rejected }) {
        refusedByServer += rejected;
        checkpoint?.save({ ...end, refused: end.refused + refusedByServer });
        progress.update(bytesRead(), `${end.rows.toLocaleString("en-US")} rows`);
      },
      stopped: interrupted,
    });
  } finally {
    await checkpoint?.flush().catch(() => undefined);
    progress.stop();
  }
  if (!interrupted()) await checkpoint?.remove();
  return { earlier: { rows: from?.rows ?? 0, refused: from?.refused ?? 0 }, complete: !interrupted() };
}

async function send(
  batch: Batch,
  { ledger, tally }: ImportContext,
  progress: Progress,
): Promise<{ end: Position; rejected: number }> {
  const answer = await postTraces(ledger, batch.body, { onRetry: (sentence) => progress.say(sentence) });
  tally.add(answer, batch.lines);
  return { end: batch.end, rejected: answer.rejected };
}

/** Says at once what would otherwise be said of every row. */
function checkColumns(columns: readonly string[], { mapping }: ImportOptions): void {
  const has = `The file has the columns ${columns.join(", ")}`;
  for (const [field, column] of mapping.columns) {
    if (column !== "" && !columns.includes(column))
      throw new CommandError(`--map ${field}=${column}: there is no such column. ${has}.`);
  }
  for (const field of ["timestamp", "model"]) {
    if ((mapping.columns.get(field) ?? (columns.includes(field) ? field : "")) || mapping.defaults.has(field)) continue;
    const other = field === "model" ? " or --model NAME" : "";
    throw new CommandError(`No column gives ${field}: say --map ${field}=COLUMN${other}. ${has}.`);
  }
}

async function sizeOf(file: string): Promise<number> {
  try {
    const found = await stat(file);
    if (found.isFile()) return found.size;
  } catch {
    throw new CommandError(`${file} cannot be read.`);
  }
  throw new CommandError(`${file} is no file.`);
}

/** What makes two commands the same import. */
function subjectOf({ file, format, delimiter, mapping, idPrefix }: ImportOptions, server: Server): unknown {
  const { columns, defaults, zoneMinutes } = mapping;
  return [resolve(file), format, delimiter, [...columns], [...defaults], zoneMinutes, idPrefix, server.url, server.key];
}
