/** A recorded arrival pattern: the times of its rows, and each row as a call. */
import { createReadStream } from "node:fs";
import { CommandError } from "../command.ts";
import { BadCell } from "../import/fields.ts";
import { rowToTrace } from "../import/row-to-trace.ts";
import { readRows } from "../import/rows.ts";

export interface Recording {
  /** Ascending. */
  timesMs: number[];
  calls: Record<string, unknown>[];
}

/** Columns of the Azure LLM inference traces. */
const KNOWN_COLUMNS = [
  ["timestamp", "TIMESTAMP"],
  ["input_tokens", "ContextTokens"],
  ["output_tokens", "GeneratedTokens"],
] as const;
/** For rows that name none. */
const MODEL = new Map([
  ["provider", "openai"],
  ["model", "gpt-4o"],
]);

/** @throws CommandError where the file cannot be read, or a row is no call. */
export async function readRecording(file: string): Promise<Recording> {
  const columns = new Map<string, string>();
  const rows = readRows(createReadStream(file), "csv", ",", (header) => {
    for (const [field, column] of KNOWN_COLUMNS) if (header.includes(column)) columns.set(field, column);
  });
  const recorded: { ms: number; call: Record<string, unknown> }[] = [];
  try {
    for await (const { line, values, problem } of rows) {
      if (!values) throw new CommandError(`--replay: ${file}, line ${line}: ${problem}.`);
      const call = asCall(values, columns, `${file}, line ${line}`);
      recorded.push({ ms: Date.parse(String(call["timestamp"])), call });
    }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw code === "ENOENT" || code === "EISDIR" || code === "EACCES"
      ? new CommandError(`--replay: ${message}.`)
      : error;
  }
  if (recorded.length === 0) throw new CommandError(`--replay: ${file} has no rows.`);
  recorded.sort((a, b) => a.ms - b.ms);
  return { timesMs: recorded.map(({ ms }) => ms), calls: recorded.map(({ call }) => call) };
}

function asCall(
  values: Record<string, unknown>,
  columns: ReadonlyMap<string, string>,
  where: string,
): Record<string, unknown> {
  try {
    return rowToTrace(values, { columns, defaults: MODEL, zoneMinutes: 0 });
  } catch (error) {
    if (!(error instanceof BadCell)) throw error;
    throw new CommandError(`--replay: ${where}: ${error.message}.`);
  }
}
