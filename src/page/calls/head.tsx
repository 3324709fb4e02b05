/** What stands above a list: which list it is, its range and filters, and what is wrong with its address. */
import type { ComponentChildren } from "preact";
import { AsOf } from "../parts/as-of.tsx";
import { FilterChips } from "../parts/filter-chips.tsx";
import { Message } from "../parts/message.tsx";
import { RangeControl } from "../parts/range-control.tsx";
import type { Range } from "../range.ts";
import { PATHS } from "../route.ts";
import type { Store } from "../store.ts";
import { CallFilters } from "./call-filters.tsx";
import { addressWith, without, wrongOf } from "./question.ts";

interface HeadProps {
  of: "calls" | "sessions";
  query: URLSearchParams;
  range: Range;
  at: string | undefined;
  isStale: boolean;
  held: Store<number>;
  /** What can be done with the list. */
  children?: ComponentChildren;
}

const TITLES = { calls: "Calls", sessions: "Sessions" } as const;

export function Head({ of, query, range, at, isStale, held, children }: HeadProps) {
  const same = without(query, "live");
  return (
    <>
      <div class="title">
        <h1>{TITLES[of]}</h1>
        <AsOf at={at} zone={range.zone} isStale={isStale} held={held} />
      </div>
      <div class="calls-bar">
        <nav class="calls-lists" aria-label="Lists">
          {(["calls", "sessions"] as const).map((name) => (
            <a key={name} href={addressWith(PATHS[name], same)} aria-current={name === of ? "page" : undefined}>
              {TITLES[name]}
            </a>
          ))}
        </nav>
        <div class="calls-actions">{children}</div>
      </div>
      <div class="calls-bar calls-filters">
        <RangeControl query={query} range={range} />
        <FilterChips query={query} range={range} labels="any" />
        <CallFilters query={query} />
      </div>
      {range.wrong !== null && (
        <Message kind="warning" title={range.wrong}>
          <a href={addressWith(PATHS[of], without(query, "range", "from", "to", "tz"))}>Leave the range out</a>.
        </Message>
      )}
      {wrongOf(query).map(({ parameter, sentence }) => (
        <Message key={parameter} kind="warning" title={sentence}>
          <a href={addressWith(PATHS[of], without(query, parameter))}>Leave the {parameter} out</a>.
        </Message>
      ))}
    </>
  );
}
