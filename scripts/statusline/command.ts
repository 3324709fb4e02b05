/** `npm run statusline`: one line on stdout within the time, whatever happens. */
import { join } from "node:path";
import { connect } from "../client/ledger.ts";
import { findServer } from "../client/server.ts";
import { CommandError, type Lifetime } from "../command.ts";
import { ask, NoAnswer } from "./ask.ts";
import { lineOf } from "./line.ts";
import { parseStatuslineArgs } from "./options.ts";
import { readFor, toldIn } from "./stdin.ts";

/** Of the time, for stdin. An agent that tells something has written it before. */
const STDIN_SHARE = 0.2;
/** A name that is still being looked up keeps a process alive. */
const EXIT_MS = 20;

export async function main(args: readonly string[], { ends }: Lifetime): Promise<void> {
  const { user, timeoutMs, ...given } = parseStatuslineArgs(args);
  const told = process.stdin.isTTY ? {} : toldIn(await readFor(process.stdin, timeoutMs * STDIN_SHARE));
  const nowMs = Date.now();
  const { zone, isOtherZone } = zoneHere();
  try {
    // Claude Code runs this in the folder of its own project.
    const folder = process.env["DATA_DIR"] || join(import.meta.dirname, "../../.data");
    const server = await findServer(given, folder);
    const ledger = ends.use(connect(server, Math.max(1, timeoutMs - performance.now())));
    const answers = await ask(ledger, { user, sessionId: told.sessionId, nowMs, zone });
    console.log(lineOf({ answers, told, user, nowMs, zone, isOtherZone }));
  } catch (error) {
    // No message of another kind is shown: it may name what was sent.
    const why = error instanceof NoAnswer ? error.message : error instanceof CommandError ? "not set up" : "no answer";
    console.log(`ledger: ${why}`);
  }
  setTimeout(() => process.exit(), EXIT_MS).unref();
}

/** Where the machine names no zone that can be asked for, days are UTC's. */
function zoneHere(): { zone: string; isOtherZone: boolean } {
  const zone = new Intl.DateTimeFormat().resolvedOptions().timeZone as string | undefined;
  const isKnown = zone !== undefined && zone !== "Etc/Unknown";
  return { zone: isKnown ? zone : "UTC", isOtherZone: !isKnown };
}
