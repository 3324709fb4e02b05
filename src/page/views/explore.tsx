/** `/explore`: one table and chart for every question that a summary answers. Its address holds the whole state. */
import { useRef } from "preact/hooks";
import { navigate } from "../address.ts";
import { Choices } from "../explore/choices.tsx";
import "../explore/explore.css";
import { exploreAt } from "../explore/links.ts";
import { chartQuestion, type SummaryQuestion, tableQuestion } from "../explore/question.ts";
import { ResultChart } from "../explore/result-chart.tsx";
import { ResultTable } from "../explore/result-table.tsx";
import { Notes } from "../explore/notes.tsx";
import { type ExploreState, stateOf, withoutWrong, withState } from "../explore/state.ts";
import { ledger, read, useAnswer } from "../ledger.ts";
import { AsOf } from "../parts/as-of.tsx";
import { ExportMenu } from "../parts/export-menu.tsx";
import { FilterChips } from "../parts/filter-chips.tsx";
import { Message, ProblemMessage } from "../parts/message.tsx";
import { RangeControl } from "../parts/range-control.tsx";
import { SavedViews } from "../parts/saved-views.tsx";
import { Skeleton } from "../parts/skeleton.tsx";
import { type Range, rangeOf } from "../range.ts";
import type { ViewProps } from "../views.ts";

/** The current hour changes by itself. */
const EVERY_MS = 15_000;
const HOUR_MS = 3_600_000;

export default function Explore({ query }: ViewProps) {
  const nowMs = Date.now();
  const range = rangeOf(query, nowMs, "30d");
  const { state, wrong } = stateOf(query);
  const everyMs = range.to > Math.floor(nowMs / HOUR_MS) * HOUR_MS ? EVERY_MS : undefined;
  const asked = tableQuestion(state, query, range);
  const table = useSummary(asked, state, query, range, everyMs);
  const drawn = chartQuestion(state, query, range);
  const chart = useSummary(drawn, state, query, range, everyMs);
  const change = (changes: Partial<ExploreState>): void => navigate(exploreAt(withState(query, changes)));
  // Both come at once, so that nothing moves. Later on, what is there stays.
  const isThere = useRef(false);
  isThere.current ||= table.data !== null && (drawn === null || !chart.isLoading);
  const shown = isThere.current ? table.data : null;
  const problem = table.problem ?? chart.problem;
  const sentences = [...wrong.map(({ sentence }) => sentence), ...(range.wrong === null ? [] : [range.wrong])];
  return (
    <div class="explore">
      <div class="title">
        <h1>Explore</h1>
        <AsOf at={shown?.answer.as_of} zone={range.zone} isStale={table.isStale || chart.isStale} held={table.held} />
      </div>
      {sentences.length > 0 && (
        <Message kind="warning" title="The address says something that the ledger does not know">
          {sentences.join(" ")}{" "}
          <a href={exploreAt(withoutWrong(query, [...wrong, ...rangeWrong(range)]))}>Leave it out</a>.
        </Message>
      )}
      <section class="card explore-controls" aria-label="What is shown">
        <div class="explore-bar">
          <RangeControl query={query} range={range} />
          <FilterChips query={query} range={range} labels="one" />
          <div class="explore-ways">
            <SavedViews />
            <ExportMenu path="/v1/summary" query={{ ...asked }} />
          </div>
        </div>
        <Choices query={query} range={range} state={state} change={change} />
      </section>
      <ProblemMessage
        problem={problem}
        retry={() => {
          table.retry();
          chart.retry();
        }}
      />
      {problem !== null && problem.code === "too_many_rows" && (
        <p>
          <a href={exploreAt(withState(query, { limit: 100, interval: "auto" }))}>Show the top 100 groups instead</a>
        </p>
      )}
      {problem?.status === 400 && problem.code !== "too_many_rows" && (
        <p>
          <a href={exploreAt(new URLSearchParams())}>Start anew</a>
        </p>
      )}
      {shown === null || (drawn !== null && chart.data === null && chart.problem === null) ? (
        problem === null && <Skeleton rows={14} label="Loading" />
      ) : shown.answer.totals.requests === 0 && !shown.state.compares ? (
        <Message kind="empty" title="No calls match">
          There are none in this range with these filters. <a href={exploreAt(new URLSearchParams())}>Start anew</a>, or
          choose a longer range.
        </Message>
      ) : (
        <div aria-busy={table.isLoading || chart.isLoading}>
          {state.drawing !== "table" && chart.data !== null && (
            <section class="card">
              <ResultChart
                {...chart.data}
                groups={shown.answer.rows}
                hasSameRest={drawn?.limit === asked.limit}
                here={query}
              />
              <Drawings state={chart.data.state} />
            </section>
          )}
          <section class="card">
            <Notes {...shown} />
            <ResultTable {...shown} here={query} />
          </section>
        </div>
      )}
    </div>
  );
}

/** Why nothing, or something else, is drawn. */
function Drawings({ state: { interval, metric, drawing } }: { state: ExploreState }) {
  if (interval === "none")
    return <p class="muted">The whole range is one interval, so there is nothing to draw over time.</p>;
  if (metric.isSum || drawing === "lines") return null;
  return <p class="muted">{metric.title} does not add up over groups, so it is drawn as lines.</p>;
}

function rangeWrong(range: Range): { parameter: string; sentence: string }[] {
  return range.wrong === null ? [] : ["range", "from", "to", "tz"].map((parameter) => ({ parameter, sentence: "" }));
}

/** The answer with what it is of, so that it is shown right until the next one is there. Null asks nothing. */
function useSummary(
  question: SummaryQuestion | null,
  state: ExploreState,
  query: URLSearchParams,
  range: Range,
  everyMs: number | undefined,
) {
  const name = `explore ${JSON.stringify(question)}`;
  const loaded = useAnswer(
    name,
    async (signal) => {
      if (question === null) return null;
      const answer = await read(ledger.GET("/v1/summary", { params: { query: question }, signal }));
      return { name, answer, state, query, range };
    },
    question === null ? undefined : everyMs,
  );
  // What is only shown differently is no other question.
  const data = loaded.data?.name === name ? { ...loaded.data, state, query, range } : loaded.data;
  return { ...loaded, data };
}
