/** The flags of `npm run capture`. */
import { Command, Option } from "@commander-js/extra-typings";
import { keyFlag } from "../client/flags.ts";
import { flag, httpUrl, parseFlags, wholeNumber } from "../flags.ts";

export interface CaptureOptions {
  out: string;
  /** 0: any free one. */
  port: number;
  /** The ledger that gets every body too. */
  forward?: string | undefined;
  key?: string | undefined;
}

const CAPTURE = new Command("npm run capture --")
  .description("Records what an LLM instrumentation sends, and says what the ledger makes of it.")
  .addOption(new Option("--out <dir>", "where the bodies go; the folder may not hold any yet").makeOptionMandatory())
  .addOption(
    flag(
      "--port <n>",
      wholeNumber(0, 65_535),
      "the port on 127.0.0.1; OTLP exporters use the default by themselves",
    ).default(4_318),
  )
  .addOption(flag("--forward <url>", httpUrl, "a ledger that gets each body too; its answer goes to the SDK"))
  .addOption(keyFlag("ingest"))
  .addHelpText(
    "after",
    `
Each request becomes two files: NN.body holds the bytes as they came, NN.json the path and the headers without secrets.
This is the form of test/fixtures/captures. Bodies are not cleaned: they hold the prompts and completions that the SDK
sends.`,
  );

/** @throws HelpAsked, or CommandError that names the flag which is wrong. */
export function parseCaptureArgs(args: readonly string[]): CaptureOptions {
  return parseFlags(CAPTURE, args).flags;
}
