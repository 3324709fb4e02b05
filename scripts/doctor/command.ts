/** `npm run doctor`, from its flags to its exit code. */
import { CommandError, type Main } from "../command.ts";
import type { Check } from "./check.ts";
import { CONFIGURATION } from "./configuration.ts";
import { DATABASE } from "./database.ts";
import { LEDGER } from "./ledger.ts";
import { parseDoctorArgs } from "./options.ts";
import { REDIS } from "./redis.ts";
import { asJson, asText, countsOf } from "./report.ts";
import { runChecks } from "./run.ts";
import { SCHEMA } from "./schema.ts";
import { findSubject } from "./subject.ts";
import { WORKER } from "./worker.ts";

export const CHECKS: readonly Check[] = [...CONFIGURATION, ...WORKER, ...DATABASE, ...SCHEMA, ...REDIS, ...LEDGER];

const WRONG_USAGE = 2;
/** Connections to what does not answer may stay open for long. */
const EXIT_MS = 500;

export const main: Main = async (args) => {
  const beganMs = Date.now();
  try {
    const options = parseDoctorArgs(args);
    const subject = await findSubject(options, process.env);
    // First what only this machine is asked: it takes the CPU, and what is timed afterwards would wait for it.
    const own = await runChecks(CONFIGURATION, subject, options.timeout * 1_000);
    const rest = CHECKS.filter((check) => !CONFIGURATION.includes(check));
    const leftMs = Math.max(1, options.timeout * 1_000 - (Date.now() - beganMs));
    const findings = [...own, ...(await runChecks(rest, subject, leftMs))];
    const seconds = (Date.now() - beganMs) / 1_000;
    console.log(options.json ? asJson(findings, subject, beganMs) : asText(findings, subject, seconds));
    const code = countsOf(findings).failed > 0 ? 1 : 0;
    setTimeout(() => process.exit(code), EXIT_MS).unref();
    return code;
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    console.error(error.message);
    return WRONG_USAGE;
  }
};
