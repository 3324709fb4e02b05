/** The flags of `npm run load-test`. */
import { isIPv4 } from "node:net";
import { parseArgs } from "node:util";
import { CommandError } from "../command.ts";
import { stalls, type Work } from "./plan.ts";
import { SCENARIOS } from "./scenarios.ts";

export interface LoadTestOptions {
  work: Work;
  /** Undefined: a server of the test's own. */
  target: string | undefined;
  key: string | undefined;
  seconds: number | undefined;
  out: string | undefined;
}

export const LOAD_TEST_HELP = `Loads a server as its users would, and says whether it held and lost nothing.

  npm run load-test -- --scenario normal|peak|stress|seed|stall [flags]
  npm run load-test -- --replay FILE.csv [--speed N] [flags]

  --scenario NAME    normal: 100 users x 10 requests/s, 70% reads, writes of 1 to 5 calls, 60 s
                     peak:   500 users x 15 requests/s, 30% reads, writes of 10 to 50 calls, 60 s
                     seed:   100 users x 5 requests/s, otherwise as normal, 10 minutes
                     stress: as normal with ever more users, in steps of 10 s, until it breaks: p95 over 1 s, errors, or
                             less than 90% of what was offered
                     stall:  40 writes/s to a server of its own in queue mode, whose Postgres stands still for 10 s of 30
  --replay FILE.csv  one write a row, at the pace of its timestamps (columns TIMESTAMP, ContextTokens, GeneratedTokens, or
                     those of a call: timestamp, input_tokens, output_tokens, model …)
  --speed N          that many times as fast; default 1
  --duration TIME    such as 90s or 5m; for stress and stall that of a step
  --target URL       the server to load; default: one of the test's own, in bare workerd over embedded Postgres and Redis
  --key KEY          its API key with the scopes "ingest" and "read" (or LLM_COST_KEY; default: the dev server's)
  --out DIR          where report.html, report.json and worker.log go; default <DATA_DIR>/load-test
  --i-own-this-host  needed for a target that is not this machine

Latency counts from when a request was due, so a server that stalls is charged for all that waited. Exits with 1 when
an acknowledged call is missing afterwards or there are too many, when a request was refused or a 5xx other than 503 came,
and when the database's standing still was felt.`;

/** @throws CommandError that names the flag which is wrong. Undefined: help was asked for. */
export function parseLoadTestArgs(args: readonly string[]): LoadTestOptions | undefined {
  const values = read(args);
  if (values.help) return undefined;
  if (values.target !== undefined) refuseForeign(values.target, values["i-own-this-host"]);
  const work = workOf(values);
  if (values.target !== undefined && stalls(work))
    throw new CommandError(
      "--target does not go with this scenario, which stalls the database of a server of its own.",
    );
  return {
    work,
    target: values.target,
    key: values.key,
    seconds: values.duration === undefined ? undefined : secondsOf(values.duration),
    out: values.out,
  };
}

function read(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        scenario: { type: "string" },
        replay: { type: "string" },
        speed: { type: "string" },
        duration: { type: "string" },
        target: { type: "string" },
        key: { type: "string" },
        out: { type: "string" },
        "i-own-this-host": { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
    }).values;
  } catch (error) {
    throw new CommandError(`${(error as Error).message.split(". ", 1)[0]}. See --help.`);
  }
}

/** Load is an attack where it is not welcome. */
function refuseForeign(target: string, owned: boolean): void {
  const url = URL.parse(target);
  if (!url || !["http:", "https:"].includes(url.protocol)) throw new CommandError(`${target} is no http(s) URL.`);
  if (!owned && !isLoopback(url.hostname))
    throw new CommandError(`${url.hostname} is not this machine: give --i-own-this-host if you may load it.`);
}

function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || (isIPv4(hostname) && hostname.startsWith("127."));
}

function workOf(values: { scenario?: string; replay?: string; speed?: string }): Work {
  if ((values.scenario === undefined) === (values.replay === undefined))
    throw new CommandError("Give --scenario or --replay, one of them (see --help).");
  if (values.replay !== undefined) return { replay: values.replay, speed: speedOf(values.speed ?? "1") };
  if (values.speed !== undefined) throw new CommandError("--speed goes with --replay.");
  const name = SCENARIOS.find((name) => name === values.scenario);
  if (name === undefined) throw new CommandError(`--scenario must be one of ${SCENARIOS.join(", ")}.`);
  return { scenario: name };
}

function speedOf(text: string): number {
  const speed = /^\d{1,6}(\.\d{1,3})?$/.test(text) ? Number(text) : 0;
  if (speed <= 0) throw new CommandError("--speed must be a number above 0.");
  return speed;
}

function secondsOf(text: string): number {
  const [, digits = "0", unit] = /^(\d{1,5})(s|m)?$/.exec(text) ?? [];
  const seconds = Number(digits) * (unit === "m" ? 60 : 1);
  if (seconds < 1 || seconds > 86_400) throw new CommandError("--duration must be such as 90s or 5m, at most a day.");
  return seconds;
}
