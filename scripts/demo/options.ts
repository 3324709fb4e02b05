/** The flags of `npm run demo`. */
import { parseArgs } from "node:util";
import { CommandError } from "../command.ts";

export interface DemoOptions {
  days: number;
  traces: number;
  seed: string;
  /** The period's end: the first instant of the day after its last. */
  endMs: number;
  batch: number;
  concurrency: number;
  url: string | undefined;
  key: string | undefined;
}

export const DEMO_HELP = `Loads days of believable traffic into the running dev server, through POST /v1/traces.

  npm run demo -- [flags]

  --days N           how many days, 1 to 730; default 30
  --traces N         how many calls in them, 1 to 50,000,000; default 100000
  --seed TEXT        other calls of the same kind; default 1
  --end YYYY-MM-DD   the last day, UTC; default today, of which only the full hours until now are loaded
  --batch N          calls a request, 1 to 5000; default 1000
  --concurrency N    requests at once, 1 to 64; default 4
  --url URL          the server (or LLM_COST_URL; default: the running dev server, from <DATA_DIR>/dev.json)
  --key KEY          an API key with scopes "ingest" and "read" (or LLM_COST_KEY; default: the dev server's)

The same days, traces, seed and end are the same calls: running it twice adds nothing, and running it again later
today adds the hours that have passed since.`;

const DAY_MS = 86_400_000;

/** @throws CommandError that names the flag which is wrong. Undefined: help was asked for. */
export function parseDemoArgs(args: readonly string[], nowMs: number): DemoOptions | undefined {
  const values = read(args);
  if (values.help) return undefined;
  return {
    days: wholeNumber("--days", values.days, 730),
    traces: wholeNumber("--traces", values.traces, 50_000_000),
    seed: values.seed,
    endMs: endOf(values.end, nowMs),
    batch: wholeNumber("--batch", values.batch, 5_000),
    concurrency: wholeNumber("--concurrency", values.concurrency, 64),
    url: values.url,
    key: values.key,
  };
}

function read(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        days: { type: "string", default: "30" },
        traces: { type: "string", default: "100000" },
        seed: { type: "string", default: "1" },
        end: { type: "string" },
        batch: { type: "string", default: "1000" },
        concurrency: { type: "string", default: "4" },
        url: { type: "string" },
        key: { type: "string" },
        help: { type: "boolean", short: "h", default: false },
      },
    }).values;
  } catch (error) {
    throw new CommandError(`${(error as Error).message.split(". ", 1)[0]}. See --help.`);
  }
}

function endOf(day: string | undefined, nowMs: number): number {
  if (day === undefined) return (Math.floor(nowMs / DAY_MS) + 1) * DAY_MS;
  const ms = /^\d{4}-\d\d-\d\d$/.test(day) ? Date.parse(`${day}T00:00:00Z`) : Number.NaN;
  if (Number.isNaN(ms)) throw new CommandError("--end must be a day such as 2026-03-31.");
  return ms + DAY_MS;
}

function wholeNumber(flag: string, text: string, most: number): number {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (value < 1 || value > most) throw new CommandError(`${flag} must be a whole number from 1 to ${most}.`);
  return value;
}
