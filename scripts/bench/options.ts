/** The flags of `npm run bench`. */
import { Argument, Command } from "@commander-js/extra-typings";
import { CommandError } from "../command.ts";
import { LABELS, MOST_LABELS } from "./calls.ts";
import { flag, type Kind, parseFlags, wholeNumber } from "../flags.ts";

export interface BenchOptions<Part extends string> {
  parts: Part[];
  /** Calls of the largest history. */
  traces: number;
  /** Of live updates of the page. */
  minutes: number;
  /** Of each call that is ingested. */
  labels: number;
  json?: string | undefined;
}

const LEAST_TRACES = 10_000;

/** The smallest history has a hundredth of them. */
const hundreds: Kind<number> = {
  said: `a multiple of 100, at least ${LEAST_TRACES}`,
  read: (text) => {
    const traces = /^\d{1,12}$/.test(text) ? Number(text) : Number.NaN;
    return traces % 100 === 0 && traces >= LEAST_TRACES ? traces : undefined;
  },
};

/**
 * @param all parts, in the order in which they run.
 * @throws HelpAsked, or CommandError that names what is wrong.
 */
export function parseBenchArgs<Part extends string>(
  args: readonly string[],
  all: readonly Part[],
  env: Record<string, string | undefined>,
): BenchOptions<Part> {
  const bench = new Command("npm run bench --")
    .description("Measures on this machine, with backends of its own, and shows ratios to baselines from the same run.")
    .addArgument(new Argument("[parts...]", "what to measure; if none is given, all").choices(all))
    .addOption(flag("--traces <n>", hundreds, "calls of the largest history").default(10_000_000).env("BENCH_TRACES"))
    .addOption(flag("--minutes <n>", wholeNumber(1, 120), "of live updates of the page").default(10))
    .addOption(
      flag("--labels <n>", wholeNumber(LABELS, MOST_LABELS), "users and tags of a call that is ingested").default(
        LABELS,
      ),
    )
    .option("--json <file>", "also writes the figures there, for npm run capacity -- --calibration");
  const {
    args: [asked],
    flags,
  } = parseFlags(bench, args);
  // It empties tables, and tells bytes and CPU of the whole server.
  if (env["DATABASE_URL"] !== undefined)
    throw new CommandError("The benchmark has a Postgres of its own: unset DATABASE_URL.");
  return { parts: all.filter((part) => asked.length === 0 || asked.includes(part)), ...flags };
}
