/** `npm run import -- --help` */
import { FIELDS } from "./fields.ts";

export const IMPORT_HELP = `Loads past LLM calls from a CSV or NDJSON file into the ledger, through POST /v1/traces.

  npm run import -- FILE [flags]          FILE "-" is standard input

Example: a CSV with the columns TIMESTAMP, ContextTokens and GeneratedTokens, as calls of gpt-4o:

  npm run import -- trace.csv --provider openai --model gpt-4o --application copilot \\
    --map timestamp=TIMESTAMP --map input_tokens=ContextTokens --map output_tokens=GeneratedTokens

Where to
  --url URL               the server (or LLM_COST_URL; default: the running dev server, from <DATA_DIR>/dev.json)
  --key KEY               an API key with scope "ingest" (or LLM_COST_KEY; default: the dev server's)

What the file holds
  --format csv|ndjson     default: by extension (.csv, .tsv, .ndjson, .jsonl)
  --delimiter CHAR        between the cells of a CSV; default "," ("\\t" for .tsv)
  --map FIELD=COLUMN      which column holds a field; repeatable. Columns named like a field need none. tags.x=COLUMN
                          makes a tag x, and FIELD= leaves out a column of the field's name that means something else.
                          In NDJSON, COLUMN may be a path such as usage.prompt_tokens.
  --timestamp-zone OFFSET offset of timestamps that name none, e.g. +02:00; default UTC

What rows without a value get
  --model, --provider, --application, --environment, --operation VALUE
  --set FIELD=VALUE       the same for any other field or tag; repeatable

How
  --batch N               calls a request, 1 to 5000; default 1000
  --concurrency N         requests at once; default 4
  --restart               send everything, also what an earlier run that was interrupted has already sent
  --id-prefix TEXT        begins the ids of rows without one; default "import". Another prefix makes other calls of
                          the same rows.

Fields: ${wrap([...FIELDS.keys()])}.
Required are timestamp and model. Timestamps: RFC 3339, "2023-11-16 18:17:03.9799600", a day, or epoch seconds or
milliseconds; finer than a millisecond is cut. input_tokens is all input, cached included; output_tokens is all output,
reasoning included. Token counts are digits only. An empty cell is absent, not 0. Other columns are not sent.

Twice is once. A row without an id gets one from a digest of its content and from how many identical rows come before
it in the file. So importing a file again, or one with rows appended or in another order, adds only what is new; a row
that was edited, or read with another --timestamp-zone, is another call. Interrupted (Ctrl-C, kill, network), the same
command goes on after the last row that the server acknowledged, as remembered in <DATA_DIR>/import/ (not for standard
input, which is sent again whole).

Rows that cannot be calls are listed with their line and don't hold up the others. The exit code is 1 if any was
rejected or the import did not come to its end.`;

/** Names in lines of about a hundred characters, under each other. */
function wrap(names: readonly string[]): string {
  const lines = [""];
  for (const name of names) {
    if (lines.at(-1)!.length + name.length > 100) lines.push("");
    lines[lines.length - 1] += `${name}, `;
  }
  return lines.join("\n        ").replace(/, $/, "").replace(/ +\n/g, "\n");
}
