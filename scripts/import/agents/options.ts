/** The flags of `npm run import -- --from AGENT`. */
import { Command, Option } from "@commander-js/extra-typings";
import { batchFlag, concurrencyFlag, keyFlag, urlFlag } from "../../client/flags.ts";
import { CommandError } from "../../command.ts";
import { coveredByFlag } from "../covered-by-flag.ts";
import { day, duration, flag, type Kind, parseFlags, repeatable } from "../../flags.ts";
import type { Added } from "./found-call.ts";
import { type SourceName, SOURCES } from "./sources.ts";

export interface AgentOptions {
  from: SourceName;
  /** None: where the agent keeps its files. */
  paths: string[];
  sinceMs: number | undefined;
  dryRun: boolean;
  watch: boolean;
  everyMs: number;
  restart: boolean;
  added: Added;
  batch: number;
  concurrency: number;
  url?: string | undefined;
  key?: string | undefined;
}

const NAMES = Object.keys(SOURCES) as SourceName[];

const tag: Kind<[string, string]> = {
  said: "NAME=VALUE",
  read: (text) => {
    const at = text.indexOf("=");
    return at >= 1 && at < text.length - 1 ? [text.slice(0, at).trim(), text.slice(at + 1)] : undefined;
  },
};

const IMPORT = new Command("npm run import --")
  .description("Loads past calls from the session files of a coding agent into the ledger, through POST /v1/traces.")
  .argument("[path...]", "files or folders; without one, where the agent keeps its files")
  .addOption(new Option("--from <agent>", "whose files these are").choices(NAMES).makeOptionMandatory())
  .optionsGroup("Where the calls go:")
  .addOption(urlFlag)
  .addOption(keyFlag("ingest"))
  .option("--dry-run", "sends nothing, needs no server, and shows what would be added by day and model")
  .optionsGroup("Which calls, and what is sent with them:")
  .addOption(flag("--since <day>", day, "leaves out calls before it"))
  .option("--user <id>", "whose calls these are; files name no one")
  .option("--environment <name>", "the environment")
  .option("--model <name>", "the model of calls whose file names none")
  .addOption(coveredByFlag)
  .addOption(repeatable("--tag <pair>", tag, "a tag for every call, such as machine=laptop"))
  .option("--with-repository", "sends the name of the folder or repository as tag repository")
  .option("--with-branch", "sends the branch as tag branch")
  .option("--with-pull-request", "sends the pull request as tag pull_request, such as acme/shop#12")
  .optionsGroup("How:")
  .option("--watch", "goes on with what is written later, until Ctrl-C")
  .addOption(flag("--every <time>", duration(3_600), "how often --watch looks").default(5, "5s"))
  .addOption(batchFlag)
  .addOption(concurrencyFlag)
  .option("--restart", "reads also files that did not change since an earlier run")
  .addHelpText(
    "after",
    `
Examples:

  npm run import -- --from claude-code --dry-run --since 2026-11-01
  npm run import -- --from codex --user ada@example.com --tag machine=laptop
  npm run import -- --from cursor-csv usage-events.csv

Counts, model, times and ids are sent. Prompts, answers and paths never are; the repository's name, the branch and the
pull request only if a flag asks for them.

Every call counts once: an import can be repeated, and calls that live telemetry has reported, or reports later, are
joined by their ids. Files of several machines may be imported into one ledger. A file that did not change since an
earlier run with the same flags is not read again (DATA_DIR/import/ keeps digests of paths, sizes and times).

What cannot be a call is skipped and counted by reason. The exit code is 1 if the server rejected a call.`,
  );

/** @throws HelpAsked, or CommandError that names the flag which is wrong. */
export function parseAgentArgs(args: readonly string[]): AgentOptions {
  const { args: given, flags } = parseFlags(IMPORT, args);
  const [paths] = given;
  const { from, since, dryRun, watch, every, restart, user, environment, model, batch, concurrency, url, key } = flags;
  if (dryRun && watch) throw new CommandError("--dry-run and --watch exclude each other.");
  if (from === "cursor-csv" && paths.length === 0)
    throw new CommandError("--from cursor-csv needs the path of the export.");
  return {
    from,
    paths,
    sinceMs: since,
    dryRun: dryRun ?? false,
    watch: watch ?? false,
    everyMs: every * 1_000,
    restart: restart ?? false,
    added: {
      userId: user,
      environment,
      coveredBy: flags.coveredBy,
      model,
      tags: Object.fromEntries(flags.tag ?? []),
      withRepository: flags.withRepository ?? false,
      withBranch: flags.withBranch ?? false,
      withPullRequest: flags.withPullRequest ?? false,
    },
    batch,
    concurrency,
    url,
    key,
  };
}
