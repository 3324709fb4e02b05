/** The flags of commands that talk to a ledger. */
import { Option } from "@commander-js/extra-typings";
import { flag, httpUrl, wholeNumber } from "../flags.ts";

/** The server takes no more calls in one request. */
export const MAX_BATCH = 5_000;

export const urlFlag = flag(
  "--url <url>",
  httpUrl,
  "the server; without it, the running dev server of DATA_DIR/dev.json",
).env("LLM_COST_URL");

/** @param scopes that the command needs. */
export const keyFlag = (...scopes: string[]) =>
  new Option(
    "--key <key>",
    `an API key with the scope ${scopes.join(" and ")}; without it, the key of the running dev server`,
  ).env("LLM_COST_KEY");

export const batchFlag = flag("--batch <n>", wholeNumber(1, MAX_BATCH), "calls in one request").default(1_000);

export const concurrencyFlag = flag("--concurrency <n>", wholeNumber(1, 64), "requests at once").default(4);
