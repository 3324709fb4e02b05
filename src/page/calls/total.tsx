/** The exact sum of the list's range and filters. If the ledger sums up by other filters only, nothing is said. */
import { formatCount } from "../figures.ts";
import { filterQuery } from "../filters.ts";
import type { Loaded, Schemas } from "../ledger.ts";
import { Money } from "../parts/money.tsx";
import type { Range } from "../range.ts";
import { addressOf } from "../route.ts";
import { iso } from "../zone.ts";
import { sumQuery } from "./question.ts";

interface TotalProps {
  query: URLSearchParams;
  range: Range;
  sum: Loaded<Schemas["Summary"] | null>;
}

export function Total({ query, range, sum }: TotalProps) {
  if (sumQuery(query, range) === null || sum.problem !== null) return null;
  const totals = sum.isLoading ? undefined : sum.data?.totals;
  const { tags = {}, ...dimensions } = filterQuery(query);
  const behind = { from: iso(range.from), to: iso(range.to), tz: range.zone, ...dimensions, ...tags };
  return (
    <p class="calls-total" aria-busy={totals === undefined}>
      {totals ? (
        <>
          <a href={addressOf("explore", behind)} title="Explore these calls">
            <Money id="calls-total" usd={totals.cost_usd} />
          </a>
          <span>
            {" "}
            in <strong id="calls-count">{formatCount(totals.requests)}</strong>{" "}
            {totals.requests === 1 ? "call" : "calls"} of this range
          </span>
          {totals.unpriced_requests > 0 && (
            <span class="muted"> {formatCount(totals.unpriced_requests)} of them without a price, so in no sum</span>
          )}
          {totals.errors > 0 && <span class="muted"> {formatCount(totals.errors)} failed</span>}
        </>
      ) : (
        <span class="muted">Adding up …</span>
      )}
    </p>
  );
}
