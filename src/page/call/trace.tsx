/** The trace of a call: what it cost, of how many calls, and its tree. */
import { formatCount } from "../figures.ts";
import { ledger, read, useAnswer } from "../ledger.ts";
import { picoOf } from "../money.ts";
import { lengthOf } from "../parts/time-line.tsx";
import { Message, ProblemMessage } from "../parts/message.tsx";
import { Money } from "../parts/money.tsx";
import { Skeleton } from "../parts/skeleton.tsx";
import { addressOf } from "../route.ts";
import { isPathSafe } from "../session/session.ts";
import { spanOf } from "../time-line.ts";
import { countedSum, type TraceTree } from "./tree.ts";
import { Tree } from "./tree.tsx";
import { momentOf } from "./span.tsx";

export function Trace({ traceId, callId }: { traceId: string; callId: string }) {
  return (
    <section class="card" id="trace" aria-labelledby="trace-title">
      <h2 id="trace-title">Its trace</h2>
      {isPathSafe(traceId) ? (
        <Asked traceId={traceId} callId={callId} />
      ) : (
        <p>
          A browser cannot ask for the tree of a trace with the id “{traceId}”.{" "}
          <a href={addressOf("calls", { trace_id: traceId, billable: "all" })}>List its calls</a>.
        </p>
      )}
    </section>
  );
}

function Asked({ traceId, callId }: { traceId: string; callId: string }) {
  const { data, problem, retry } = useAnswer(`tree ${traceId}`, (signal) =>
    read(ledger.GET("/v1/trace-trees/{id}", { params: { path: { id: traceId } }, signal })),
  );
  if (data === null && problem === null) return <Skeleton rows={6} label="Loading the trace" />;
  return (
    <>
      {problem?.status === 404 ? (
        <Message kind="empty" title="Nothing is left of this trace">
          Its calls may be deleted meanwhile.
        </Message>
      ) : (
        <ProblemMessage problem={problem} retry={retry} />
      )}
      {data?.trace_id === traceId && (
        <>
          <Sums tree={data} />
          <Tree key={traceId} tree={data} callId={callId} />
        </>
      )}
    </>
  );
}

function Sums({ tree: { totals, spans, truncated } }: { tree: TraceTree }) {
  const sum = countedSum(spans);
  const { startMs, endMs } = spanOf(spans.map(momentOf));
  const others = totals.calls - totals.requests;
  const addsUp = (sum === null ? null : picoOf(sum)) === (totals.cost_usd === null ? null : picoOf(totals.cost_usd));
  return (
    <>
      <p>
        <span class="call-trace-cost" data-trace-cost>
          <Money usd={totals.cost_usd} />
        </span>{" "}
        in {lengthOf(endMs - startMs)}: {countOf(totals.requests, "call counts", "calls count")}
        {others > 0 && `, ${countOf(others, "does not", "do not")}`}
        {totals.links > 0 && `, ${countOf(totals.links, "span is", "spans are")} between calls`}
        {totals.unpriced_requests > 0 &&
          `, ${countOf(totals.unpriced_requests, "has no price", "have no price")}`}.{" "}
        {addsUp
          ? "The own costs of what counts add up to it exactly."
          : "The own costs of what counts do not add up to it: the trace may have changed just now."}
      </p>
      {truncated && (
        <Message kind="warning" title={`Only the first ${formatCount(spans.length)} spans are shown`}>
          The trace has more. The sums here are of those that are shown.
        </Message>
      )}
    </>
  );
}

function countOf(count: number, one: string, many: string): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}
