/** The flags of `npm run load-test`. */
import { isIPv4 } from "node:net";
import { Command, Option } from "@commander-js/extra-typings";
import { keyFlag } from "../client/flags.ts";
import { CommandError } from "../command.ts";
import { amount, duration, flag, httpUrl, parseFlags } from "../flags.ts";
import { stalls, type Work } from "./plan.ts";
import { describeScenario, type ScenarioName, SCENARIOS } from "./scenarios.ts";
import { BREAKS } from "./verdict.ts";

export interface LoadTestOptions {
  work: Work;
  /** Undefined: a server of the test's own. */
  target: string | undefined;
  key: string | undefined;
  seconds: number | undefined;
  out: string | undefined;
}

const LOAD_TEST = new Command("npm run load-test --")
  .description("Loads a server as its users would, and says whether it held and lost nothing.")
  .addOption(new Option("--scenario <name>", "what the users do, see below").choices(SCENARIOS).conflicts("replay"))
  .option("--replay <file.csv>", "sends each row as one write, at the pace of its timestamps")
  .addOption(flag("--speed <n>", amount(1e6), "makes a replay so many times as fast").default(1).conflicts("scenario"))
  .addOption(flag("--duration <time>", duration(86_400), "how long; for stress and stall, how long one step is"))
  .addOption(
    flag(
      "--target <url>",
      httpUrl,
      "the server; without it, one of the test's own in bare workerd, with its own Postgres and Redis",
    ),
  )
  .addOption(keyFlag("ingest", "read"))
  .option("--out <dir>", "where the report and the Worker's log go; without it, DATA_DIR/load-test")
  .option("--i-own-this-host", "allows a target that is not this machine")
  .addHelpText(
    "after",
    `
Scenarios:
${SCENARIOS.map((name) => `  ${name.padEnd(8)}${describeScenario(name)}`).join("\n")}

A step of stress breaks if ${BREAKS}.
stall writes to a server of its own in queue mode.

A replay reads the columns TIMESTAMP, ContextTokens and GeneratedTokens, or those of a call (timestamp, input_tokens,
output_tokens, model …).

A latency counts from when its request was due, so a server that stalls is charged for all requests that waited. The exit
code is 1 in these cases: an acknowledged call is missing, there are more calls than were sent, a request was refused, a
5xx other than 503 came, or latencies rose while the database stood still.`,
  );

/** @throws HelpAsked, or CommandError that names the flag which is wrong. */
export function parseLoadTestArgs(args: readonly string[]): LoadTestOptions {
  const {
    scenario,
    replay,
    speed,
    duration: seconds,
    target,
    key,
    out,
    iOwnThisHost,
  } = parseFlags(LOAD_TEST, args).flags;
  if (target !== undefined && !iOwnThisHost) refuseForeign(target);
  const work = workOf(scenario, replay, speed);
  if (target !== undefined && stalls(work))
    throw new CommandError(
      "--target does not go with this scenario, which stalls the database of a server of its own.",
    );
  return { work, target, key, seconds, out };
}

/** Load is an attack where it is not welcome. */
function refuseForeign(target: string): void {
  const { hostname } = new URL(target);
  const isThisMachine =
    hostname === "localhost" || hostname === "[::1]" || (isIPv4(hostname) && hostname.startsWith("127."));
  if (!isThisMachine)
    throw new CommandError(`--target: ${hostname} is not this machine. Give --i-own-this-host if you may load it.`);
}

function workOf(scenario: ScenarioName | undefined, replay: string | undefined, speed: number): Work {
  if (scenario !== undefined) return { scenario };
  if (replay !== undefined) return { replay, speed };
  throw new CommandError("Give --scenario or --replay (see --help).");
}
