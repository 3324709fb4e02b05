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
      <Money usd={cost} /> of it is not exact: it is of{" "}
      <a href={href}>
        {formatCount(some)} of {formatCount(all)} calls
      </a>{" "}
      whose senders leave out or estimate something that is priced. The receipt of each says what, and whether the true
      cost is more or less.
    </p>
  );
}
