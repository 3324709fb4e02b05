/** The flags of `npm run db:report`. */
import { Command } from "@commander-js/extra-typings";
import { flag, type Kind, parseFlags, postgresUrl } from "../flags.ts";

export interface ReportOptions {
  diskBytes?: number | undefined;
  json?: true | undefined;
  database?: string | undefined;
}

const UNITS: Record<string, number> = { "": 1, kb: 2 ** 10, mb: 2 ** 20, gb: 2 ** 30, tb: 2 ** 40 };

const size: Kind<number> = {
  said: "a size such as 500GB or 1.5TB, in powers of 1024 as Postgres has them",
  read: (text) => {
    const [, digits, unit = ""] = /^(\d{1,15}(?:\.\d+)?) ?([kmgt]b)?$/i.exec(text) ?? [];
    const bytes = Math.round(Number(digits) * UNITS[unit.toLowerCase()]!);
    return bytes >= 1 && bytes <= Number.MAX_SAFE_INTEGER ? bytes : undefined;
  },
};

const REPORT = new Command("npm run db:report --")
  .description("Tells the state of the database: what is wrong, how urgent it is, and what to do.")
  .addOption(flag("--disk <size>", size, "how large the disk is; the report then says when it is full"))
  .option("--json", "prints what GET /v1/admin/database answers")
  .addOption(
    flag("--database <url>", postgresUrl, "the database; without it, the running dev server's").env("DATABASE_URL"),
  )
  .addHelpText(
    "after",
    `
It reads statistics only, and changes nothing. Slow statements need CREATE EXTENSION pg_stat_statements.`,
  );

/** @throws HelpAsked, or CommandError that names the flag which is wrong. */
export function parseReportArgs(args: readonly string[]): ReportOptions {
  const { disk, ...flags } = parseFlags(REPORT, args).flags;
  return { ...flags, diskBytes: disk };
}
