/** The flags of `npm run db:explain`. */
import { Command } from "@commander-js/extra-typings";
import { CommandError } from "../command.ts";
import { flag, parseFlags, postgresUrl, projectId } from "../flags.ts";

export interface ExplainOptions {
  /** Path and query. */
  path: string;
  project: string;
  json?: true | undefined;
  database?: string | undefined;
}

/** The project that the migrations make. */
const DEFAULT_PROJECT = "00000000-0000-4000-8000-000000000000";

const EXPLAIN = new Command("npm run db:explain --")
  .description("Answers a question by the code of the API, and prints EXPLAIN (ANALYZE, BUFFERS) of each statement.")
  .argument("<path>", "path and query of a GET route, such as '/v1/summary?group_by=model'; quote it")
  .addOption(
    flag("--project <id>", projectId, "whose calls are asked for; without it, the default project's").default(
      DEFAULT_PROJECT,
    ),
  )
  .option("--json", "prints the plans as JSON")
  .addOption(
    flag("--database <url>", postgresUrl, "the database; without it, the running dev server's").env("DATABASE_URL"),
  )
  .addHelpText(
    "after",
    `
Each statement runs twice: to be explained, and for its rows. The transaction is read-only and rolled back. Redis is not
asked. Of an export the first page is read.`,
  );

/** @throws HelpAsked, or CommandError that names the flag which is wrong. */
export function parseExplainArgs(args: readonly string[]): ExplainOptions {
  const {
    args: [given],
    flags,
  } = parseFlags(EXPLAIN, args);
  const url = URL.parse(given, "http://ledger");
  if (!url?.pathname.startsWith("/v1/"))
    throw new CommandError(`${given} is no question: it must be a path that begins with /v1/. See --help.`);
  return { ...flags, path: `${url.pathname}${url.search}` };
}
