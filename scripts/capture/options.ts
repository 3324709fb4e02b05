/** The flags of `npm run capture`. */
import { parseArgs } from "node:util";
import { CommandError } from "../command.ts";

export interface CaptureOptions {
  out: string;
  /** 0: any free one. */
  port: number;
  /** The ledger that gets every body too. */
  forward: string | undefined;
  key: string | undefined;
}

export const CAPTURE_HELP = `Records what an LLM instrumentation sends, and says what the ledger makes of it.

  npm run capture -- --out DIR [flags]

  --out DIR       where the bodies go; it may not hold any yet
  --port N        on 127.0.0.1; default 4318, where OTLP exporters send by themselves
  --forward URL   also pass each body on to this ledger, and give the SDK its answer
  --key KEY       the API key for --forward (or LLM_COST_KEY; default: the dev server's, if it is that)

Each request becomes NN.body, the bytes as they came, and NN.json, its path and headers without their secrets: the form
of test/fixtures/captures. Bodies are not cleaned: they hold the prompts and completions that the SDK sends.`;

/** @throws CommandError that names the flag which is wrong. Undefined: help was asked for. */
export function parseCaptureArgs(args: readonly string[]): CaptureOptions | undefined {
  const { help, out, port, forward, key } = read(args);
  if (help) return undefined;
  if (!out) throw new CommandError("Where to? npm run capture -- --out DIR (see --help)");
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535) throw new CommandError("--port must be a port, 0 to 65535.");
  return { out, port: Number(port), forward, key };
}

function read(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        out: { type: "string" },
        port: { type: "string", default: "4318" },
        forward: { type: "string" },
        key: { type: "string" },
        help: { type: "boolean", short: "h", default: false },
      },
    }).values;
  } catch (error) {
    throw new CommandError(`${(error as Error).message.split(". ", 1)[0]}. See --help.`);
  }
}
