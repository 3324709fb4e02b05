/** What is missing on either side of a comparison, in words. */
import { HOUR_MS } from "../time.ts";
import type { Sides } from "./coverage.ts";
import type { TotalCoverage } from "./shown.ts";

/** Counters are sent every minute by default, and the last one when the program ends. */
const STOPPED_MS = HOUR_MS;

/** What the counters of an agent are known to lack. */
const LEAVES_OUT: Readonly<Record<string, string>> = {
  "qwen-code": "Its counters leave out the tokens of tool results on models of Gemini.",
};

type Shown = Omit<TotalCoverage, "notes">;

/** Each is said if its condition holds. */
const NOTES: readonly ((shown: Shown, sides: Sides) => string | false)[] = [
  ({ last_metric_at }) =>
    last_metric_at === null && "There are calls, but the agent sent no counters. They may not be switched on.",
  ({ last_call_at }) =>
    last_call_at === null &&
    "There are counters, but no calls. The agent may not send logs or spans, or they were lost.",
  ({ share_percent, last_call_at }) =>
    last_call_at !== null &&
    share_percent !== null &&
    share_percent < 100 &&
    "The agent says that it used more tokens than the ledger has. An exporter of logs or spans lost calls, or is not on everywhere.",
  ({ share_percent, emitter }) =>
    share_percent !== null &&
    share_percent > 100 &&
    `The ledger has more tokens than the agent says that it used. ${LEAVES_OUT[emitter] ?? "Calls may count twice, or an exporter of metrics lost some or is not on everywhere."}`,
  ({ share_percent, cost_usd }) =>
    share_percent === 100 &&
    cost_usd.share_percent !== null &&
    cost_usd.share_percent !== 100 &&
    "The tokens are the same, but the agent counts another cost. It has other prices, or fees that its calls do not show.",
  ({ sessions_without_calls, sessions }) =>
    sessions_without_calls !== null &&
    sessions_without_calls > 0 &&
    `${sessions_without_calls} of ${sessions} sessions with counters have no call in the ledger.`,
  ({ last_metric_at, last_call_at }) =>
    isLater(last_call_at, last_metric_at) &&
    `No counters came after ${last_metric_at}, but calls did. The exporter of metrics may have stopped.`,
  ({ last_metric_at, last_call_at }) =>
    isLater(last_metric_at, last_call_at) &&
    `No calls came after ${last_call_at}, but counters did. The exporter of logs or spans may have stopped.`,
  (_, { said }) =>
    said.some(({ ranBefore }) => ranBefore) &&
    "A counter ran before its first point came. What it says of that time is in the numbers of its first day.",
  ({ flagged_points }) =>
    flagged_points > 0 && `${flagged_points} points were below 0 or below an earlier one, and count for nothing.`,
  ({ left_out_points }) =>
    left_out_points > 0 && "There were more series than are kept of a day. The agent's numbers lack the others.",
];

export function notesOf(shown: Shown, sides: Sides): string[] {
  return NOTES.flatMap((note) => note(shown, sides) || []);
}

function isLater(one: string | null, other: string | null): boolean {
  return one !== null && other !== null && Date.parse(one) - Date.parse(other) > STOPPED_MS;
}
