/** `/why`: two periods, and the difference of their costs by cause, by application and by model. All of it adds up. */
import "../why/why.css";
import { useHour } from "../clock.ts";
import { stepsOf, stepsThrough } from "../causes.ts";
import { type Explanation, useExplanation } from "../explanation.ts";
import { filterQuery } from "../filters.ts";
import { formatBriefCount, formatCount, formatTime } from "../figures.ts";
import { groupName } from "../groups.ts";
import { AsOf } from "../parts/as-of.tsx";
import { FilterChips } from "../parts/filter-chips.tsx";
import { Message, ProblemMessage } from "../parts/message.tsx";
import { Change, Money } from "../parts/money.tsx";
import { RangeControl } from "../parts/range-control.tsx";
import { Reason } from "../parts/reason.tsx";
import { Skeleton } from "../parts/skeleton.tsx";
import { Waterfall } from "../parts/waterfall.tsx";
import { rangeOf } from "../range.ts";
import { addressOf } from "../route.ts";
import type { ViewProps } from "../views.ts";
import { type Bar, barOf, barsBy, OTHERS, withBar } from "../why/behind.ts";
import { CompareControl } from "../why/compare-control.tsx";
import { asked, comparedOf } from "../why/compared.ts";
import { linkFilters, Rows } from "../why/rows.tsx";

const EVERY_MS = 15_000;

export default function Why({ query }: ViewProps) {
  const range = rangeOf(query, useHour(), "month");
  const compared = comparedOf(query, range);
  const { data, problem, isLoading, isStale, held, retry } = useExplanation(
    { ...asked(range, compared), ...filterQuery(query) },
    EVERY_MS,
  );
  const span = compared.span ?? spanOf(data) ?? { from: range.from - (range.to - range.from), to: range.from };
  const wrong = [range.wrong, compared.wrong].filter((sentence) => sentence !== null).join(" ");
  return (
    <>
      <div class="title">
        <h1>Why it changed</h1>
        <AsOf at={data?.as_of} zone={range.zone} isStale={isStale} held={held} {...(data && { to: data.to })} />
      </div>
      <div class="why-controls">
        <RangeControl query={query} range={range} />
        <CompareControl query={query} compared={compared} span={span} zone={range.zone} />
        <FilterChips query={query} range={range} labels="one" />
      </div>
      {wrong !== "" && (
        <Message kind="warning" title={wrong}>
          <a href="/why">Start anew</a> with this month.
        </Message>
      )}
      <ProblemMessage problem={problem} retry={retry} />
      <div class="why-answer" aria-busy={isLoading}>
        {data ? <Answer query={query} answer={data} /> : problem === null && <Skeleton rows={16} label="Loading why" />}
      </div>
    </>
  );
}

function spanOf(answer: Explanation | null): { from: number; to: number } | null {
  return answer && { from: Date.parse(answer.compare_from), to: Date.parse(answer.compare_to) };
}

function Answer({ query, answer }: { query: URLSearchParams; answer: Explanation }) {
  const { before, after, tz, parts } = answer;
  const bar = barOf(query);
  const exploreOf = (side: "before" | "after"): string => {
    const [from, to] = side === "before" ? [answer.compare_from, answer.compare_to] : [answer.from, answer.to];
    return addressOf("explore", { from, to, tz, ...linkFilters(query) });
  };
  const hrefOf =
    (barAt: (key: string) => Bar) =>
    ({ key, isEnd }: { key: string; isEnd: boolean }): string =>
      isEnd ? exploreOf(key as "before" | "after") : `/why?${withBar(query, barAt(key)).toString()}`;
  if (before.requests === 0 && after.requests === 0) {
    return (
      <Message kind="empty" title="There are no calls in either period">
        Choose another range, or remove filters. <a href="/why">Start anew</a> with this month.
      </Message>
    );
  }
  const unpriced = before.unpriced_requests + after.unpriced_requests;
  return (
    <>
      {unpriced > 0 && (
        <Message
          kind="warning"
          title={`${formatCount(unpriced)} ${unpriced === 1 ? "call of both periods has" : "calls of both periods have"} no price`}
        >
          {unpriced === 1 ? "It counts" : "They count"} as nothing in this difference. <a href="/prices">Set a price</a>
          , and the past is restated.
        </Message>
      )}
      {answer.capped && (
        <Message kind="note" title="There are more groups than can be told apart">
          Those of the lowest costs are one, (other). Add a filter to see them; all sums are exact.
        </Message>
      )}
      <section class="card">
        <Reason difference={answer.difference_usd} parts={parts} />
        <dl class="figures why-sides">
          <Side
            title="Before"
            usd={before.cost_usd}
            href={exploreOf("before")}
            span={[answer.compare_from, answer.compare_to]}
            tz={tz}
            requests={before.requests}
          />
          <Side
            title="Now"
            usd={after.cost_usd}
            href={exploreOf("after")}
            span={[answer.from, answer.to]}
            tz={tz}
            requests={after.requests}
          />
          <div>
            <dt>Difference</dt>
            <dd>
              <Change now={after.cost_usd} before={before.cost_usd} difference={answer.difference_usd} />
            </dd>
          </div>
        </dl>
        <h2>By cause</h2>
        <Waterfall
          label="From the cost before to the cost now, by cause"
          steps={stepsOf(before.cost_usd, after.cost_usd, parts)}
          hrefOf={hrefOf((key) => ({ kind: "cause", cause: key as keyof typeof parts }))}
          current={bar?.kind === "cause" ? bar.cause : null}
        />
      </section>
      <div class="pair">
        {(["application", "model"] as const).map((by) => (
          <section key={by} class="card">
            <h2>By {by}</h2>
            <Waterfall
              label={`From the cost before to the cost now, by ${by}`}
              steps={stepsThrough(
                before.cost_usd,
                after.cost_usd,
                barsBy(answer.rows, by).map((one) => ({ ...one, name: groupName(one.name) })),
              )}
              hrefOf={hrefOf((key) => (key === OTHERS ? null : { kind: by, value: key }))}
              current={bar?.kind === by ? bar.value : null}
            />
          </section>
        ))}
      </div>
      <Rows query={query} answer={answer} bar={bar} />
    </>
  );
}

interface SideProps {
  title: string;
  usd: string | null;
  href: string;
  span: readonly [from: string, to: string];
  tz: string;
  requests: number;
}

function Side({ title, usd, href, span, tz, requests }: SideProps) {
  const [from, to] = span.map((at) => formatTime(Date.parse(at), tz).slice(0, 16));
  return (
    <div>
      <dt>{title}</dt>
      <dd>
        <a href={href}>
          <Money usd={usd} />
        </a>
      </dd>
      <dd class="before">
        {from} to {to}, {formatBriefCount(requests)} {requests === 1 ? "call" : "calls"}
      </dd>
    </div>
  );
}
