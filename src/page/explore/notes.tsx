/** What must be known to read the table right: which groups it has, and what is not in the sums. */
import { formatCount } from "../figures.ts";
import type { Schemas } from "../ledger.ts";
import { Inexact } from "../parts/inexact.tsx";
import { exploreAt } from "./links.ts";
import { METRICS, metricNamed } from "./metrics.ts";
import { isOther } from "./rows.ts";
import { type ExploreState, hasIntervals, withState } from "./state.ts";

interface NotesProps {
  answer: Schemas["Summary"];
  state: ExploreState;
  query: URLSearchParams;
}

export function Notes({ answer, state, query }: NotesProps) {
  const { rows, totals, capped, approximate, compare, not_rolled_up } = answer;
  const { limit, metric, groupBy } = state;
  const order = METRICS.find(({ name }) => name === metric.order);
  const hasRest = limit !== null && rows.some((row) => isOther(row, groupBy));
  const notes = [
    hasRest && `The top ${limit} groups by ${(order ?? metric).title.toLowerCase()}; the rest is in (other).`,
    !hasRest && rows.length > 1 && `${formatCount(rows.length)} ${hasIntervals(state) ? "rows" : "groups"}.`,
    compare && `Before is from ${compare.from.slice(0, 16)} to ${compare.to.slice(0, 16)}, in UTC.`,
    capped && "The label has too many values: its lesser ones are in (other).",
    ...Object.entries(not_rolled_up ?? {}).map(([tag, calls]) =>
      groupBy.includes(tag)
        ? `${formatCount(calls)} calls have ${tag}, but too many tags to sum by this one: they are in (not rolled up).`
        : `${formatCount(calls)} more calls have ${tag}, but too many tags to sum by this one: they are left out.`,
    ),
    approximate && "Calls at an edge of the range have been deleted, so it is moved to a whole hour.",
  ].filter((note) => typeof note === "string");
  return (
    <>
      {notes.length > 0 && <p class="muted">{notes.join(" ")}</p>}
      {totals.unpriced_requests > 0 && (
        <p class="explore-unpriced">
          {formatCount(totals.unpriced_requests)} of {formatCount(totals.requests)} calls have no price, and are in no
          sum of cost. <a href="/prices">Set a price</a>.
        </p>
      )}
      <Inexact
        totals={totals}
        href={exploreAt(withState(query, { metric: metricNamed("inexact_cost_usd")!, groupBy: ["application"] }))}
      />
    </>
  );
}
