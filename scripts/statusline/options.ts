/** The flags of `npm run statusline`. */
import { Command, Option } from "@commander-js/extra-typings";
import { keyFlag, urlFlag } from "../client/flags.ts";
import { duration, flag, parseFlags } from "../flags.ts";

export interface StatuslineOptions {
  url?: string | undefined;
  key?: string | undefined;
  /** Whose day it is. Undefined: everyone's. */
  user?: string | undefined;
  timeoutMs: number;
}

const STATUSLINE = new Command("npm run --silent statusline --")
  .description("Prints what today, this session and an hour cost, in one line. Claude Code's statusLine shows it.")
  .addOption(urlFlag)
  .addOption(keyFlag("read"))
  .addOption(new Option("--user <id>", "whose day it is; without it, everyone's").env("LLM_COST_USER"))
  .addOption(flag("--timeout <time>", duration(60), "how long it may take").default(1, "1s"))
  .addHelpText(
    "after",
    `
Claude Code's JSON on stdin names the session; without it there is no session in the line. The rate is that of the
session over the last hour, or since it began; without a session, that of today's scope.

  ~   a part of the cost is not exact     +?   calls without a known cost come on top     ?   nothing is known

If the ledger does not answer, the line says so, and the exit code is 0.`,
  );

/** @throws HelpAsked, or CommandError that names the flag which is wrong. */
export function parseStatuslineArgs(args: readonly string[]): StatuslineOptions {
  const { url, key, user, timeout } = parseFlags(STATUSLINE, args).flags;
  return { url, key, user: user || undefined, timeoutMs: timeout * 1_000 };
}
