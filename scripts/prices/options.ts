/** The flags of `npm run prices`. */
import { Argument, Command, Option } from "@commander-js/extra-typings";
import { CommandError } from "../command.ts";
import { flag, parseFlags, postgresUrl, projectId } from "../flags.ts";

export interface PricesOptions {
  action: "diff" | "update" | "show";
  /** Only for `show`. */
  model: string;
  provider: string;
  /** Whose custom prices are shown. Undefined shows those of every project. */
  project?: string | undefined;
  /** A file or a URL. */
  from: string;
  accept?: true | undefined;
  database?: string | undefined;
}

const PUBLISHED = "https://raw.githubusercontent.com/pydantic/genai-prices/main/prices/new_data/v2/data.json";

const PRICES = new Command("npm run prices --")
  .description("Shows, compares and replaces the catalogue of prices that new calls are priced by.")
  .addArgument(new Argument("<action>", "what to do").choices(["diff", "update", "show"]))
  .argument("[model]", "the model to show, by any name that callers send")
  .addOption(
    new Option("--from <place>", "the newer catalogue: a file or a URL").env("CATALOGUE_URL").default(PUBLISHED),
  )
  .option("--accept", "stores it although prices change by more than 10x, or models are gone: you have seen the diff")
  .option("--provider <name>", "whose model to show; without it, the one that the name tells", "unknown")
  .addOption(flag("--project <id>", projectId, "whose custom prices to show, too; without it, those for every project"))
  .addOption(
    flag("--database <url>", postgresUrl, "where versions are; without it, the running dev server's").env(
      "DATABASE_URL",
    ),
  )
  .addHelpText(
    "after",
    `
  npm run prices -- diff               what the stored catalogue changed, and what the newer one would
  npm run prices -- update             stores the newer one as a version
  npm run prices -- show gpt-4o        what a name means, and what it costs now

A version that is stored prices new calls of all projects within a minute. Cron then prices calls that had no price, with
its next run. Calls that have a price keep it: POST /v1/reprice changes those.`,
  );

/** @throws HelpAsked, or CommandError that names the flag which is wrong. */
export function parsePricesArgs(args: readonly string[]): PricesOptions {
  const { args: given, flags } = parseFlags(PRICES, args);
  const [action, model] = given;
  if (action === "show" && model === undefined) throw new CommandError("show needs a model. See --help.");
  if (action !== "show" && model !== undefined) throw new CommandError(`${action} takes no model. See --help.`);
  return { ...flags, action, model: model ?? "" };
}
