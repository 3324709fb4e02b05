/** The flags of `npm run import`. */
import { extname } from "node:path";
import { Command, Option } from "@commander-js/extra-typings";
import { batchFlag, concurrencyFlag, keyFlag, urlFlag } from "../client/flags.ts";
import { CommandError } from "../command.ts";
import { flag, type Kind, parseFlags, repeatable } from "../flags.ts";
import { coveredByFlag } from "./covered-by-flag.ts";
import { BadCell, convert, FIELDS, kindOf } from "./fields.ts";
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
  restart?: boolean | undefined;
  url?: string | undefined;
  key?: string | undefined;
}

type Pair = [field: string, value: string];

/** @param valueSaid what follows the `=`. @param empty may nothing follow it? */
function pair(valueSaid: string, { empty = false } = {}): Kind<Pair> {
  return {
    said: `FIELD=${valueSaid}`,
    read: (text) => {
      const at = text.indexOf("=");
      const complete = at >= 1 && (empty || at < text.length - 1);
      return complete ? [text.slice(0, at).trim(), text.slice(at + 1)] : undefined;
    },
  };
}

const zone: Kind<number> = { said: "an offset such as +02:00, or UTC", read: (text) => parseZone(text) ?? undefined };

const formats: Record<string, Format> = { ".csv": "csv", ".tsv": "csv", ".ndjson": "ndjson", ".jsonl": "ndjson" };

const IMPORT = new Command("npm run import --")
  .description("Loads past LLM calls from a CSV or NDJSON file into the ledger, through POST /v1/traces.")
  .argument("<file>", 'the file; "-" is standard input')
  .optionsGroup("Where the calls go:")
  .addOption(urlFlag)
  .addOption(keyFlag("ingest"))
  .optionsGroup("What the file holds:")
  .addOption(
    new Option(
      "--format <format>",
      `what it is; without it, the extension tells: ${Object.keys(formats).join(", ")}`,
    ).choices(["csv", "ndjson"]),
  )
  .option("--delimiter <char>", 'what separates the cells of a CSV; without it, "," or, for .tsv, "\\t"')
  .addOption(repeatable("--map <pair>", pair("COLUMN", { empty: true }), "which column holds a field"))
  .addOption(flag("--timestamp-zone <offset>", zone, "the zone of timestamps that name none").default(0, "UTC"))
  .optionsGroup("What rows without a value get:")
  .option("--model <name>", "the model")
  .option("--provider <name>", "the provider")
  .option("--application <name>", "the application")
  .option("--environment <name>", "the environment")
  .option("--operation <name>", "the operation")
  .addOption(coveredByFlag)
  .addOption(repeatable("--set <pair>", pair("VALUE"), "the value of any other field or tag"))
  .optionsGroup("How:")
  .addOption(batchFlag)
  .addOption(concurrencyFlag)
  .option("--restart", "begins at the first row, also after an interruption")
  .option(
    "--id-prefix <text>",
    "what the ids of rows without one begin with; another prefix makes other calls",
    "import",
  )
  .addHelpText(
    "after",
    `
Example: a CSV with the columns TIMESTAMP, ContextTokens and GeneratedTokens, as calls of gpt-4o:

  npm run import -- trace.csv --provider openai --model gpt-4o --application copilot \\
    --map timestamp=TIMESTAMP --map input_tokens=ContextTokens --map output_tokens=GeneratedTokens

Columns that are named like a field need no --map. tags.x=COLUMN makes a tag x. FIELD= ignores a column that has the
field's name but means something else. In NDJSON, COLUMN may be a path such as usage.prompt_tokens.

Fields: ${inLines([...FIELDS.keys()])}.
timestamp and model are required. A timestamp is RFC 3339, "2023-11-16 18:17:03.9799600", a day, or epoch seconds or
milliseconds; it is cut to milliseconds. input_tokens is all input, cached included. output_tokens is all output,
reasoning included. Token counts are digits only. An empty cell means that the field is absent, not 0. Columns that are
no field are not sent.

Every row counts once. A row without an id gets one that is made from its content and from the number of identical rows
before it. So an import of the same file adds nothing, and rows may be appended or sorted: only new rows are added. A row
that was edited, or that is read with another --timestamp-zone, is another call. After an interruption (Ctrl-C, kill,
network) the same command continues after the last acknowledged row. DATA_DIR/import/ remembers that row. Standard input
is sent again as a whole.

The session files of coding agents are read by npm run import -- --from AGENT; with --help it explains.

Rows that cannot be calls are listed with their line; the others are sent. The exit code is 1 if a row was rejected or if
the import did not finish.`,
  );

/** Flags that are short for `--set FIELD=VALUE`. */
const SHORT = ["model", "provider", "application", "environment", "operation"] as const;

/** @throws HelpAsked, or CommandError that names the flag which is wrong. */
export function parseImportArgs(args: readonly string[]): ImportOptions {
  const { args: given, flags } = parseFlags(IMPORT, args);
  const [file] = given;
  const { format, delimiter, timestampZone: zoneMinutes, idPrefix, batch, concurrency, restart, url, key } = flags;
  const short = SHORT.flatMap((field): Pair[] => (flags[field] === undefined ? [] : [[field, flags[field]]]));
  if (flags.coveredBy !== undefined) short.push(["covered_by", flags.coveredBy]);
  const columns = fieldsOf("--map", flags.map ?? []);
  const defaults = fieldsOf("--set", [...short, ...(flags.set ?? [])]);
  for (const [field, value] of defaults) checkDefault(field, value, zoneMinutes);
  return {
    file,
    format: format ?? formatOf(file),
    delimiter: delimiter?.replace("\\t", "\t") ?? (extname(file).toLowerCase() === ".tsv" ? "\t" : ","),
    mapping: { columns, defaults, zoneMinutes },
    idPrefix,
    batch,
    concurrency,
    restart,
    url,
    key,
  };
}

function fieldsOf(name: string, pairs: readonly Pair[]): Map<string, string> {
  const found = new Map<string, string>();
  for (const [field, value] of pairs) {
    if (!kindOf(field))
      throw new CommandError(`${name} ${field}=${value}: a call has no field ${JSON.stringify(field)} (see --help).`);
    if (found.has(field)) throw new CommandError(`${name} ${field}=${value}: ${field} is given twice.`);
    found.set(field, value);
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

function formatOf(file: string): Format {
  const format = formats[extname(file).toLowerCase()];
  if (format !== undefined) return format;
  throw new CommandError(
    `Is ${file === "-" ? "standard input" : file} CSV or NDJSON? Say --format csv or --format ndjson.`,
  );
}

/** Names in lines of about a hundred characters, under each other. */
function inLines(names: readonly string[]): string {
  const lines = [""];
  for (const name of names) {
    if (lines.at(-1)!.length + name.length > 100) lines.push("");
    lines[lines.length - 1] += `${name}, `;
  }
  return lines.join("\n        ").replace(/, $/, "").replace(/ +\n/g, "\n");
}
