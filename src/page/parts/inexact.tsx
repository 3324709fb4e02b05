/** What of a sum is not exact: of how many calls, and how much. It leads to what sends them. */
import { formatCount } from "../figures.ts";
import type { Schemas } from "../ledger.ts";
import { Money } from "./money.tsx";

type Sums = Pick<Schemas["Sums"], "inexact_requests" | "inexact_cost_usd" | "requests">;

export function Inexact({ totals, href }: { totals: Sums; href: string }) {
  const { inexact_requests: some, inexact_cost_usd: cost, requests: all } = totals;
  if (some === 0) return null;
  return (
    <p class="inexact">
      <span aria-hidden="true">{"\u2248"} </span>
      <Money usd={cost} /> of the cost is not exact:{" "}
      <a href={href}>
        {formatCount(some)} of {formatCount(all)} calls
      </a>{" "}
      {some === 1 ? "was" : "were"} reported without something that is priced, or with an estimate of it.{" "}
      {some === 1 ? "Its receipt says" : "Their receipts say"} what.
    </p>
  );
}
