/** What was said of pairs since the page was loaded. The ledger lists them no more, and it can still be taken back. */
import type { Schemas } from "../ledger.ts";
import { picoOf, usdOf } from "../money.ts";
import { signedIn } from "../session.ts";
import { createStore } from "../store.ts";

export type Pair = Schemas["Double"];

export interface Decision {
  pair: Pair;
  verdict: "same" | "different";
  /** Of the two, those that count now. */
  counted: readonly string[];
  project: string;
}

export const decisions = createStore<Readonly<Record<string, Decision>>>({});

export function keyOf({ calls }: Pair): string {
  return calls.map(({ id }) => id).join(" ");
}

/** What has left every sum. Null is unknown. */
export function goneOf({ pair, counted }: Decision): string | null {
  const gone = pair.calls.filter(({ id }) => !counted.includes(id)).map(({ cost_usd: cost }) => cost);
  return gone.includes(null) ? null : usdOf(gone.reduce((sum, cost) => sum + picoOf(cost!), 0n));
}

/** `812 ms apart`. */
export function apartOf({ calls: [first, second] }: Pair): string {
  const ms = Date.parse(second!.timestamp) - Date.parse(first!.timestamp);
  if (ms === 0) return "at the same time";
  return ms < 1_000 ? `${ms} ms apart` : `${ms / 1_000} s apart`;
}

// Somebody who signs out leaves nothing to the next one.
signedIn.follow(() => {
  const now = signedIn.get();
  if (now.state === "out" && now.last === null) decisions.set({});
});
