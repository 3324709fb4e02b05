/** The questions behind the line. */
import type { Ledger } from "../client/ledger.ts";
import { HOUR_MS } from "../../src/time.ts";

/** The sums of calls, as the API has them. */
export interface Sums {
  /** Null if there are calls and none has a price. */
  costUsd: string | null;
  unpriced: number;
  inexact: number;
}

export interface Answers {
  today: Sums;
  asOfMs: number | undefined;
  /** Null if the ledger has no call of it, undefined if nobody knows. */
  session: (Sums & { firstMs: number }) | null | undefined;
  /** Of the session if there is one, otherwise of today's scope; null and undefined as above. */
  lastHour: Sums | null | undefined;
}

export interface Question {
  user: string | undefined;
  sessionId: string | undefined;
  nowMs: number;
  zone: string;
}

/** Why there are no answers, in words for a line. */
export class NoAnswer extends Error {
  override name = "NoAnswer";
}

type Members = Record<string, unknown>;

/** @throws NoAnswer if today's sums cannot be had. What else is missing is undefined. */
export async function ask(ledger: Ledger, { user, sessionId, nowMs, zone }: Question): Promise<Answers> {
  const of: Record<string, string> = user === undefined ? {} : { user };
  const hourAgo = `${nowMs - HOUR_MS}`;
  const summary = (range: Record<string, string>) => get(ledger, "/v1/summary", { ...range, ...of });
  const sessions = (id: string, range: Record<string, string> = {}) =>
    get(ledger, "/v1/sessions", { session_id: id, limit: "1", ...range }).then(firstSession);
  const [today, session, lastHour] = await Promise.allSettled([
    summary({ from: dayIn(zone, nowMs), tz: zone }),
    sessionId === undefined ? undefined : sessions(sessionId),
    sessionId === undefined
      ? summary({ from: hourAgo }).then(({ totals }) => sumsOf(totals))
      : sessions(sessionId, { from: hourAgo }),
  ]);
  if (today.status === "rejected") throw today.reason;
  const asOfMs = Date.parse(String(today.value["as_of"]));
  return {
    today: sumsOf(today.value["totals"]),
    asOfMs: Number.isNaN(asOfMs) ? undefined : asOfMs,
    session: session.status === "fulfilled" ? session.value : undefined,
    lastHour: lastHour.status === "fulfilled" ? lastHour.value : undefined,
  };
}

function firstSession({ sessions }: Members): (Sums & { firstMs: number }) | null {
  if (!Array.isArray(sessions)) throw new NoAnswer("no ledger at this address");
  const [session] = sessions as Members[];
  return session === undefined ? null : { ...sumsOf(session), firstMs: Date.parse(String(session["first_at"])) };
}

function sumsOf(members: unknown): Sums {
  if (typeof members !== "object" || members === null) throw new NoAnswer("no ledger at this address");
  const { cost_usd: cost, unpriced_requests: unpriced, inexact_requests: inexact } = members as Members;
  const isMoney = typeof cost === "string" && /^-?\d{1,30}(?:\.\d{1,12})?$/.test(cost);
  return { costUsd: isMoney ? cost : null, unpriced: Number(unpriced) || 0, inexact: Number(inexact) || 0 };
}

async function get(ledger: Ledger, path: string, query: Record<string, string>): Promise<Members> {
  const answer = await ledger.send({ path: `${path}?${new URLSearchParams(query)}` }).catch(() => {
    throw new NoAnswer("no answer");
  });
  if (answer.status !== 200) throw new NoAnswer(REFUSALS[answer.status] ?? `answers ${answer.status}`);
  try {
    return JSON.parse(answer.body.toString("utf8")) as Members;
  } catch {
    throw new NoAnswer("no ledger at this address");
  }
}

const REFUSALS: Record<number, string> = {
  401: "refuses the key",
  403: "the key may not read",
  404: "no ledger at this address",
  429: "too many requests",
};

/** The date there, as `2026-11-30`. */
function dayIn(timeZone: string, ms: number): string {
  return new Intl.DateTimeFormat("en-CA", { timeZone, dateStyle: "short" }).format(ms);
}
