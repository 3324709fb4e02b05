/** What an answer means for the account of calls. */
import type { Answer } from "../client/ledger.ts";
import type { Account } from "./account.ts";
import { type Outcome, outcomeOf } from "./record.ts";
import type { Request } from "./traffic.ts";

/** Keeps the account of a write. A write that was accepted only in part counts as refused. */
export function settle(account: Account, { calls }: Request, answer: Answer | undefined): Outcome {
  const outcome = answer === undefined ? "failed" : outcomeOf(answer.status);
  if (!calls) return outcome;
  if (outcome === "ok" && acceptedOf(answer!) === calls.count) {
    account.acknowledge(calls, answer!.status === 202);
    return outcome;
  }
  account.leaveOpen(calls);
  return outcome === "ok" ? "refused" : outcome;
}

function acceptedOf({ body }: Answer): number {
  try {
    return (JSON.parse(String(body)) as { accepted: number }).accepted;
  } catch {
    return -1;
  }
}
