/** A session: where it is found, and what it had cost after each of its calls. */
import type { components } from "../api.d.ts";
import { picoOf, usdOf } from "../money.ts";
import { addressOf } from "../route.ts";

type Call = components["schemas"]["Trace"];

const DAY_MS = 86_400_000;
/** As long as the API looks back by itself. */
const AROUND_MS = 15 * DAY_MS;

/** Can a path of the API end in it? Browsers take `.` and `..` for folders. */
export function isPathSafe(id: string): boolean {
  return id !== "" && id !== "." && id !== "..";
}

/** @param aroundMs when there was a call of it. Without it the last 30 days are looked at. */
export function sessionAddress(id: string, aroundMs?: number): string {
  const range =
    aroundMs === undefined
      ? {}
      : { from: new Date(aroundMs - AROUND_MS).toISOString(), to: new Date(aroundMs + AROUND_MS).toISOString() };
  return addressOf("session", range, id);
}

/** The id of the session at an address, as `addressOf` writes it. */
export function sessionIdOf(id: string, query: URLSearchParams): string {
  return query.get("session_id") ?? id;
}

/**
 * What the session had cost after each call, for calls from the newest back: the sum of all, less what came later. So it
 * is exact before all pages are there. A call without a cost leaves the sum as it was.
 *
 * @param total of all calls; null if none has a price.
 */
export function cumulative(calls: readonly Pick<Call, "cost_usd">[], total: string | null): (string | null)[] {
  if (total === null) return calls.map(() => null);
  let left = picoOf(total);
  return calls.map(({ cost_usd: cost }) => {
    const after = usdOf(left);
    left -= picoOf(cost ?? "0");
    return after;
  });
}
