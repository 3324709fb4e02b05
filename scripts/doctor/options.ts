/** The flags of `npm run doctor`. */
import { Command, Option } from "@commander-js/extra-typings";
import { flag, httpUrl, type Kind, parseFlags, wholeNumber } from "../flags.ts";

export interface DoctorOptions {
  /** Undefined is the dev stack. */
  url?: string | undefined;
  adminKeyEnv?: string | undefined;
  keyEnv?: string | undefined;
  driver: "postgres" | "neon";
  env?: string | undefined;
  wrangler?: true | undefined;
  auditDays: number;
  /** How long all checks may take together, in seconds. */
  timeout: number;
  json?: true | undefined;
}

const variable: Kind<string> = {
  said: "the name of an environment variable",
  read: (text) => (/^[A-Za-z_][A-Za-z0-9_]*$/.test(text) ? text : undefined),
};

/** @throws HelpAsked, or CommandError that names the flag which is wrong. */
export function parseDoctorArgs(args: readonly string[]): DoctorOptions {
  const doctor = new Command("npm run doctor --")
    .description("Examines the running dev stack or a deployment, and says in words what to do.")
    .addOption(flag("--url <url>", httpUrl, "a deployment; without it, the dev stack of DATA_DIR/dev.json"))
    .addOption(flag("--admin-key-env <name>", variable, "holds the deployment's admin key"))
    .addOption(
      flag("--key-env <name>", variable, "holds a project's key with the scope read, to audit without database"),
    )
    .addOption(
      new Option("--driver <driver>", "how to reach DATABASE_URL: over TCP, or over Neon's HTTP")
        .choices(["postgres", "neon"])
        .default("postgres"),
    )
    .option("--env <name>", "the environment of wrangler.toml")
    .option("--wrangler", "also asks Cloudflare for the names of the secrets, with wrangler secret list")
    .addOption(flag("--audit-days <n>", wholeNumber(1, 366), "how many days are audited").default(3))
    .addOption(flag("--timeout <seconds>", wholeNumber(1, 600), "how long all checks may take").default(30))
    .option("--json", "prints JSON")
    .addHelpText(
      "after",
      `
Of a deployment, DATABASE_URL, REPLICA_DATABASE_URL, UPSTASH_REDIS_REST_URL, UPSTASH_REDIS_REST_TOKEN and METRICS_TOKEN
are read from the environment. What is not given is skipped. Secrets are never shown, and nothing is changed.

Exit code: 0 if no check failed, 1 if one did, 2 if the command line is wrong.`,
    );
  return parseFlags(doctor, args).flags as DoctorOptions;
}
