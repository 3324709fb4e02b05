/** The flags of `npm run demo`. */
import { DAY_MS } from "../../src/time.ts";
import { Command, Option } from "@commander-js/extra-typings";
import { batchFlag, concurrencyFlag, keyFlag, urlFlag } from "../client/flags.ts";
import { day, flag, parseFlags, wholeNumber } from "../flags.ts";

export interface DemoOptions {
  days: number;
  traces: number;
  seed: string;
  /** The period's end: the first instant of the day after its last. */
  endMs: number;
  batch: number;
  concurrency: number;
  url?: string | undefined;
  key?: string | undefined;
}

const DEMO = new Command("npm run demo --")
  .description("Loads days of believable traffic into the running dev server, through POST /v1/traces.")
  .addOption(flag("--days <n>", wholeNumber(1, 730), "how many days").default(30))
  .addOption(flag("--traces <n>", wholeNumber(1, 50_000_000), "how many calls in them").default(100_000))
  .addOption(new Option("--seed <text>", "another seed makes other calls of the same kind").default("1"))
  .addOption(flag("--end <day>", day, "the last day; without it, today up to the last full hour"))
  .addOption(batchFlag)
  .addOption(concurrencyFlag)
  .addOption(urlFlag)
  .addOption(keyFlag("ingest", "read"))
  .addHelpText(
    "after",
    `
The same days, traces, seed and end make the same calls. So a second run adds nothing, and a run later today adds the
hours that have passed since.`,
  );

/** @throws HelpAsked, or CommandError that names the flag which is wrong. */
export function parseDemoArgs(args: readonly string[], nowMs: number): DemoOptions {
  const { end, ...flags } = parseFlags(DEMO, args).flags;
  return { ...flags, endMs: (end ?? Math.floor(nowMs / DAY_MS) * DAY_MS) + DAY_MS };
}
