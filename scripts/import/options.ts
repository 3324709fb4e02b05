/** The flags of `npm run import`. */
import { extname } from "node:path";
import { parseArgs } from "node:util";
import { CommandError } from "../command.ts";
import { BadCell, convert, kindOf } from "./fields.ts";
import type { Mapping } from "./row-to-trace.ts";
import type { Format } from "./rows.ts";
import { parseZone } from "./timestamp.ts";

export interface ImportOptions {
  /** `-` is standard input. */
  file: string;
  format: Format;
  delimiter: string;
  mapping: Mapping;
  idPrefix: string;
  batch: number;
  concurrency: number;
  restart: boolean;
  url: string | undefined;
  key: string | undefined;
}

/** Flags that are short for `--set FIELD=VALUE`. */
const DEFAULTS = ["model", "provider", "application", "environment", "operation"] as const;
/** The server takes no more items in one request. */
const MAX_BATCH = 5_000;

/** @throws CommandError that names the flag which is wrong. Undefined: help was asked for. */
export function parseImportArgs(args: readonly string[]): ImportOptions | undefined {
  const { values, positionals } = read(args);
  if (values.help) return undefined;
  const [file, ...others] = positionals;
  if (file === undefined) throw new CommandError("Which file? npm run import -- FILE (see --help)");
  if (others.length > 0) throw new CommandError(`One file at a time: ${others.join(" ")} is too much.`);

  const zoneMinutes = parseZone(values["timestamp-zone"]);
  if (zoneMinutes === null) throw new CommandError("--timestamp-zone must be an offset such as +02:00, or UTC.");
  const short = DEFAULTS.flatMap((field) => (values[field] === undefined ? [] : [`${field}=${values[field]}`]));
  const columns = pairs("--map", values.map, { empty: true });
  const defaults = pairs("--set", [...short, ...values.set]);
  for (const [field, value] of defaults) checkDefault(field, value, zoneMinutes);
  return {
    file,
    format: formatOf(file, values.format),
    delimiter: values.delimiter?.replace("\\t", "\t") ?? (extname(file).toLowerCase() === ".tsv" ? "\t" : ","),
    mapping: { columns, defaults, zoneMinutes },
    idPrefix: values["id-prefix"],
    batch: wholeNumber("--batch", values.batch, MAX_BATCH),
    concurrency: wholeNumber("--concurrency", values.concurrency, 64),
    restart: values.restart,
    url: values.url,
    key: values.key,
  };
}

function read(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        url: { type: "string" },
        key: { type: "string" },
        format: { type: "string" },
        delimiter: { type: "string" },
        map: { type: "string", multiple: true, default: [] },
        set: { type: "string", multiple: true, default: [] },
        model: { type: "string" },
        provider: { type: "string" },
        application: { type: "string" },
        environment: { type: "string" },
        operation: { type: "string" },
        "timestamp-zone": { type: "string", default: "UTC" },
        "id-prefix": { type: "string", default: "import" },
        batch: { type: "string", default: "1000" },
        concurrency: { type: "string", default: "4" },
        restart: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
    });
  } catch (error) {
    throw new CommandError(`${(error as Error).message.split(". ", 1)[0]}. See --help.`);
  }
}

/** @param empty may nothing follow the `=`? */
function pairs(flag: string, texts: readonly string[], { empty = false } = {}): Map<string, string> {
  const found = new Map<string, string>();
  for (const text of texts) {
    const at = text.indexOf("=");
    const field = text.slice(0, at).trim();
    if (at < 1 || (!empty && at === text.length - 1)) throw new CommandError(`${flag} ${text}: it must be FIELD=…`);
    if (!kindOf(field))
      throw new CommandError(`${flag} ${text}: a call has no field ${JSON.stringify(field)} (see --help).`);
    if (found.has(field)) throw new CommandError(`${flag} ${text}: ${field} is given twice.`);
    found.set(field, text.slice(at + 1));
  }
  return found;
}

function checkDefault(field: string, value: string, zoneMinutes: number): void {
  if (field === "id")
    throw new CommandError("--set id=…: an id for all rows would make them one call; see --id-prefix.");
  try {
    convert(field, kindOf(field)!, value, zoneMinutes);
  } catch (error) {
    if (!(error instanceof BadCell)) throw error;
    throw new CommandError(`--set ${field}=…: ${error.message}`);
  }
}

function formatOf(file: string, format: string | undefined): Format {
  if (format === "csv" || format === "ndjson") return format;
  if (format !== undefined) throw new CommandError(`--format ${format}: it must be csv or ndjson.`);
  const extension = extname(file).toLowerCase();
  if ([".csv", ".tsv"].includes(extension)) return "csv";
  if ([".ndjson", ".jsonl"].includes(extension)) return "ndjson";
  throw new CommandError(
    `Is ${file === "-" ? "standard input" : file} CSV or NDJSON? Say --format csv or --format ndjson.`,
  );
}

function wholeNumber(flag: string, text: string, most: number): number {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (value < 1 || value > most) throw new CommandError(`${flag} must be a whole number from 1 to ${most}.`);
  return value;
}
