/** The flags of `npm run profile`. */
import { Argument, Command } from "@commander-js/extra-typings";
import { CommandError } from "../command.ts";
import { flag, parseFlags, wholeNumber } from "../flags.ts";
import { SCENARIOS, type ScenarioName } from "./scenarios.ts";

export interface ProfileOptions {
  scenario: ScenarioName;
  /** Of the CPU profile. The heap profile takes as long again, but at most 5 s. */
  seconds: number;
  /** At most so many requests are sent for each of the two. */
  requests: number;
  connections: number;
  top: number;
  snapshot?: true | undefined;
  /** A folder. */
  out?: string | undefined;
}

/** @throws HelpAsked, or CommandError that names what is wrong. */
export function parseProfileArgs(
  args: readonly string[],
  env: Record<string, string | undefined> = process.env,
): ProfileOptions {
  const names = Object.keys(SCENARIOS) as ScenarioName[];
  const profile = new Command("npm run profile --")
    .description("Profiles the Worker in workerd under one kind of load, with backends of its own.")
    .addArgument(new Argument("<scenario>", "what it is asked").choices(names))
    .addOption(flag("--seconds <n>", wholeNumber(1, 300), "how long the CPU is profiled").default(10))
    .addOption(flag("--requests <n>", wholeNumber(1, 10_000_000), "at most so many requests").default(1_000_000))
    .addOption(flag("--connections <n>", wholeNumber(1, 64), "requests at once").default(4))
    .addOption(flag("--top <n>", wholeNumber(1, 200), "how many functions are printed").default(15))
    .option("--snapshot", "also writes a snapshot of the whole heap, after the load")
    .option("--out <folder>", "where the files go; without it, DATA_DIR/profiles")
    .addHelpText(
      "after",
      `
${names.map((name) => `  ${name.padEnd(18)} ${SCENARIOS[name].description}`).join("\n")}

Chrome's DevTools and VS Code open the files. Functions have the names and lines of the sources.`,
    );
  const {
    args: [scenario],
    flags,
  } = parseFlags(profile, args);
  if (env["DATABASE_URL"] !== undefined)
    throw new CommandError("The Worker that is profiled has a Postgres of its own: unset DATABASE_URL.");
  return { scenario, ...flags };
}
