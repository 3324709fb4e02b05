/** What is missing on either side of a comparison, in words. */
import { HOUR_MS } from "../time.ts";
import type { Sides } from "./coverage.ts";
import type { CoverageTotal } from "./shown.ts";

/** Counters are sent every minute by default, and the last one when the program ends. */
const STOPPED_MS = HOUR_MS;

/** What the counters of an agent are known to lack. */
const LEAVES_OUT: Readonly<Record<string, string>> = {
  "qwen-code": "Its counters leave out the tokens of tool results on models of Gemini.",
};

type Shown = Omit<CoverageTotal, "notes">;

/** Each is said if its condition holds. */
const NOTES: readonly ((shown: Shown, sides: Sides) => string | false)[] = [
  ({ claimed }) =>
    claimed.last_at === null && "There are calls, but the agent sent no counters. They may not be switched on.",
  ({ ledger }) =>
    ledger.last_at === null &&
    "There are counters, but no calls. The agent may not send logs or spans, or they were lost.",
  ({ share_percent, ledger }) =>
    ledger.last_at !== null &&
    share_percent !== null &&
    share_percent < 100 &&
    "The agent says that it used more tokens than the ledger has. An exporter of logs or spans lost calls, or is not on everywhere.",
  ({ share_percent, emitter }) =>
    share_percent !== null &&
    share_percent > 100 &&
    `The ledger has more tokens than the agent says that it used. ${LEAVES_OUT[emitter] ?? "Calls may count twice, or an exporter of metrics lost some or is not on everywhere."}`,
  (_, { counted }) => {
    const unpriced = counted.reduce((sum, day) => sum + day.unpriced, 0);
    return unpriced > 0 && `${unpriced} calls have no price, so the ledger's cost lacks them.`;
  },
  ({ share_percent, missing }, { counted }) =>
    share_percent === 100 &&
    counted.every(({ unpriced }) => unpriced === 0) &&
    missing.cost_usd !== null &&
    missing.cost_usd !== "0" &&
    "The tokens are the same, but the agent counts another cost. It has other prices, or fees that its calls do not show.",
  ({ missing, claimed }) =>
    missing.sessions !== null &&
    missing.sessions > 0 &&
    `${missing.sessions} of ${claimed.sessions} sessions with counters have no call in the ledger.`,
  ({ claimed, ledger }) =>
    isLater(ledger.last_at, claimed.last_at) &&
    `No counters came after ${claimed.last_at}, but calls did. The exporter of metrics may have stopped.`,
  ({ claimed, ledger }) =>
    isLater(claimed.last_at, ledger.last_at) &&
    `No calls came after ${ledger.last_at}, but counters did. The exporter of logs or spans may have stopped.`,
  (_, { said }) =>
    said.some(({ ranBefore }) => ranBefore) &&
    "A counter ran before its first point came. What it says of that time is in the numbers of its first day.",
  (_, { said }) =>
    said.some(({ bothWays }) => bothWays) &&
    "Counters came as differences and as running totals. If one program sends both, the agent's numbers have its use twice.",
  ({ claimed: { flagged_points } }) =>
    flagged_points > 0 && `${flagged_points} points were below 0 or below an earlier one, and count for nothing.`,
  ({ claimed }) =>
    claimed.left_out_points > 0 &&
    "There were more series than are kept of a day. The agent's numbers lack the others.",
];

export function notesOf(shown: Shown, sides: Sides): string[] {
  return NOTES.flatMap((note) => note(shown, sides) || []);
}

function isLater(one: string | null, other: string | null): boolean {
  return one !== null && other !== null && Date.parse(one) - Date.parse(other) > STOPPED_MS;
}
