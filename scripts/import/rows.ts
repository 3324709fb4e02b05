/** The rows of a file, one at a time: a file of any size needs the memory of a few rows. */
import { StringDecoder } from "node:string_decoder";
import type { Readable } from "node:stream";
import { CsvError, parse } from "csv-parse";
import { CommandError } from "../command.ts";
import type { Values } from "./row-to-trace.ts";

export interface Row {
  /** Where it starts in the file, from 1. */
  line: number;
  /** The row as the file has it: what its identity derives from. */
  content: string;
  /** Null where the row cannot be read. */
  values: Values | null;
  problem?: string;
}

export type Format = "csv" | "ndjson";

/** Longer than any call can be: an open quote must not read the rest of the file as one cell. */
const MAX_ROW_CHARS = 1_000_000;

/**
 * @param checkColumns sees the header of a CSV before its first row.
 * @throws CommandError where the file cannot be read any further.
 */
export function readRows(
  source: Readable,
  format: Format,
  delimiter: string,
  checkColumns: (columns: readonly string[]) => void,
): AsyncGenerator<Row> {
  return format === "csv" ? readCsv(source, delimiter, checkColumns) : readNdjson(source);
}

async function* readCsv(
  source: Readable,
  delimiter: string,
  checkColumns: (columns: readonly string[]) => void,
): AsyncGenerator<Row> {
  const parser = parse({
    bom: true,
    delimiter,
    info: true,
    // Rows of a wrong length and stray quotes are one row's trouble, not the file's.
    relax_column_count: true,
    relax_quotes: true,
    skip_empty_lines: true,
    record_delimiter: ["\r\n", "\n"],
    max_record_size: MAX_ROW_CHARS,
  });
  source.on("error", (error) => parser.destroy(error));
  let columns: string[] | undefined;
  let returns = 0;
  try {
    for await (const { record, info } of source.pipe(parser) as AsyncIterable<CsvRecord>) {
      // The parser takes a CR LF inside quotes for two lines.
      returns += count(record, "\r");
      const line = info.lines - returns - count(record, "\n");
      if (!columns) {
        columns = record.map((name) => name.trim());
        refuseTwins(columns);
        checkColumns(columns);
      } else yield toRow(record, columns, line);
    }
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw new CommandError(`The CSV cannot be read past line ${parser.info.lines}: ${error.message}.`);
  } finally {
    source.destroy();
  }
}

interface CsvRecord {
  record: string[];
  info: { lines: number };
}

function toRow(cells: string[], columns: string[], line: number): Row {
  const content = JSON.stringify(cells);
  if (cells.length !== columns.length) {
    return { line, content, values: null, problem: `the row has ${cells.length} cells, the header ${columns.length}` };
  }
  // Without a prototype, so that a column may be called anything.
  const values = Object.create(null) as Values;
  for (let i = 0; i < columns.length; i++) values[columns[i]!] = cells[i];
  return { line, content, values };
}

function count(cells: readonly string[], character: string): number {
  let found = 0;
  for (const cell of cells) if (cell.includes(character)) found += cell.split(character).length - 1;
  return found;
}

function refuseTwins(columns: readonly string[]): void {
  const twin = columns.find((name, i) => name !== "" && columns.indexOf(name) < i);
  if (twin !== undefined) throw new CommandError(`The CSV has two columns called ${JSON.stringify(twin)}.`);
}

async function* readNdjson(source: Readable): AsyncGenerator<Row> {
  let line = 0;
  for await (const text of readLines(source)) {
    line++;
    const content = text.trim();
    if (content !== "") yield { line, content, ...parseLine(content) };
  }
}

function parseLine(text: string): Pick<Row, "values" | "problem"> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return { values: value as Values };
    return { values: null, problem: "the line is no JSON object" };
  } catch (error) {
    return { values: null, problem: `the line is no JSON: ${(error as Error).message}` };
  }
}

/** By line feeds only: `node:readline` also ends lines at U+2028, which JSON strings may hold. */
async function* readLines(source: Readable): AsyncGenerator<string> {
  const decoder = new StringDecoder("utf8");
  let rest = "";
  for await (const chunk of source as AsyncIterable<Buffer>) {
    const lines = (rest + decoder.write(chunk)).split("\n");
    rest = lines.pop()!;
    yield* lines;
  }
  rest += decoder.end();
  if (rest !== "") yield rest;
}
