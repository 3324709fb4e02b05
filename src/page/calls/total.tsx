/** The exact sum of the list's range and filters. If the ledger sums up by other filters only, nothing is said. */
import { formatCount } from "../figures.ts";
import { filterQuery } from "../filters.ts";
import type { Loaded, Schemas } from "../ledger.ts";
import { Money } from "../parts/money.tsx";
import type { Range } from "../range.ts";
import { addressOf, PATHS } from "../route.ts";
import { iso } from "../zone.ts";
import { addressWith, sumQuery, withOne } from "./question.ts";

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
          <a class="calls-sum" href={addressOf("explore", behind)} title="Explore these calls">
            <Money id="calls-total" usd={totals.cost_usd} />
          </a>
          <span>
            {" "}
            in <strong id="calls-count">{formatCount(totals.requests)}</strong>{" "}
            {totals.requests === 1 ? "call" : "calls"} of this range
          </span>
          <Part
            count={totals.unpriced_requests}
            query={withOne(query, "unpriced", "true")}
            name="without a price, so in no sum"
          />
          <Part count={totals.errors} query={withOne(query, "status", "error")} name="failed" />
        </>
      ) : (
        <span class="muted">Adding up …</span>
      )}
    </p>
  );
}

/** Some of the calls, leading to them. */
function Part({ count, query, name }: { count: number; query: URLSearchParams; name: string }) {
  if (count === 0) return null;
  return (
    <span class="muted">
      {" \u00b7 "}
      <a href={addressWith(PATHS.calls, query)}>{formatCount(count)}</a> {name}
    </span>
  );
}
