/** The line: money as the page shows it, so that no cost is $0.00 and what is unknown is no 0. */
import { floatToPico } from "../../src/money.ts";
import { formatUsd, picoOf, usdOf } from "../../src/page/money.ts";
import type { Answers, Sums } from "./ask.ts";
import type { Told } from "./stdin.ts";
import { HOUR_MS } from "../../src/time.ts";

/** From a shorter time no rate can be told. */
const SHORTEST_MS = 60_000;
/** An answer that is older says so. */
const STALE_MS = 60_000;
const UNKNOWN = "?";

export interface Shown {
  answers: Answers;
  told: Told;
  user: string | undefined;
  nowMs: number;
  zone: string;
  /** The machine has a zone that is not known, and the day is UTC's. */
  isOtherZone: boolean;
}

/** `$12.40 today · $1.83 session · $2.10/h (last hour)`. */
export function lineOf({ answers, told, user, nowMs, zone, isOtherZone }: Shown): string {
  const { today, session, asOfMs } = answers;
  const scope = [user === undefined ? "everyone" : [], isOtherZone ? "UTC" : []].flat().join(", ");
  const parts = [`${money(today)} today${scope && ` (${scope})`}`];
  if (told.sessionId !== undefined) parts.push(`${money(session)} session${session === null ? claimOf(told) : ""}`);
  parts.push(rateOf(answers, told, nowMs));
  if (asOfMs !== undefined && nowMs - asOfMs > STALE_MS) parts.push(`as of ${clockIn(zone, asOfMs, nowMs)}`);
  return parts.join(" · ");
}

/** `~`: not exact. `+?`: calls without a known cost come on top. */
function money(sums: Sums | null | undefined, costUsd = sums?.costUsd): string {
  if (!sums || costUsd === null || costUsd === undefined) return UNKNOWN;
  return `${sums.inexact > 0 ? "~" : ""}${formatUsd(costUsd)}${sums.unpriced > 0 ? "+?" : ""}`;
}

/** The ledger has no call of the session yet, or never gets one. */
function claimOf({ costUsd }: Told): string {
  const pico = costUsd === undefined ? null : floatToPico(costUsd);
  return pico === null || pico === 0n ? "" : ` (the agent says ${formatUsd(usdOf(pico))})`;
}

function rateOf({ session, lastHour }: Answers, told: Told, nowMs: number): string {
  if (told.sessionId === undefined) return `${money(lastHour)}/h (last hour)`;
  if (!session) return `${UNKNOWN}/h`;
  const elapsedMs = nowMs - session.firstMs;
  // A session without a call in the last hour is not in the answer for it.
  const none: Sums = { costUsd: "0", unpriced: 0, inexact: 0 };
  if (elapsedMs >= HOUR_MS) return `${money(lastHour === null ? none : lastHour)}/h (last hour)`;
  if (!(elapsedMs >= SHORTEST_MS) || session.costUsd === null) return `${UNKNOWN}/h (since it began)`;
  const perHour = (picoOf(session.costUsd) * BigInt(HOUR_MS)) / BigInt(elapsedMs);
  return `${money(session, usdOf(perHour))}/h (since it began)`;
}

/** With the day if it is not today's. */
function clockIn(timeZone: string, ms: number, nowMs: number): string {
  const day = new Intl.DateTimeFormat("en-CA", { timeZone, dateStyle: "short" });
  const time = new Intl.DateTimeFormat("en-GB", { timeZone, timeStyle: "short" }).format(ms);
  return day.format(ms) === day.format(nowMs) ? time : `${day.format(ms)} ${time}`;
}
