/** The flags of `npm run slo`. */
import { Command } from "@commander-js/extra-typings";
import { CommandError } from "../command.ts";
import { flag, httpUrl, type Kind, parseFlags } from "../flags.ts";
import { PERIOD_DAYS } from "../monitoring/objectives.ts";

export interface SloOptions {
  /** Exactly one of both is given. */
  prometheus: string | undefined;
  loadTest: string | undefined;
  window: string;
  /** A regular expression. */
  job: string;
  json: string | undefined;
}

const window: Kind<string> = {
  said: "a time as Prometheus writes it, such as 30d or 6h",
  read: (text) => (/^[1-9]\d{0,4}[mhdw]$/.test(text) ? text : undefined),
};

const jobs: Kind<string> = {
  said: "a regular expression without quotes and backslashes",
  read: (text) => (/^[^"\\\n]{1,200}$/.test(text) ? text : undefined),
};

const SLO = new Command("npm run slo --")
  .description("Says for each service level how much was good, and how much of the error budget is left.")
  .addOption(flag("--prometheus <url>", httpUrl, "asks this Prometheus").conflicts("loadTest"))
  .option("--load-test <file>", "reads the report.json of npm run load-test")
  .addOption(flag("--window <time>", window, "the period, up to now").default(`${PERIOD_DAYS}d`))
  .addOption(flag("--job <regex>", jobs, "the jobs of Prometheus").default("llm-cost.*"))
  .option("--json <file>", "also writes everything there, for other programs")
  .addHelpText("after", "\nThe exit code is 1 if an objective is missed.");

/** @throws HelpAsked, or CommandError that names the flag which is wrong. */
export function parseSloArgs(args: readonly string[]): SloOptions {
  const { prometheus, loadTest, window, job, json } = parseFlags(SLO, args).flags;
  if (prometheus === undefined && loadTest === undefined)
    throw new CommandError("Give either --prometheus or --load-test (see --help).");
  return { prometheus, loadTest, window, job, json };
}
