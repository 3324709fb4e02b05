/** `/calls/{id}`: one call with its receipt, what decided about it, and the tree of its trace. */
import { useEffect, useState } from "preact/hooks";
import { Bill } from "../call/bill.tsx";
import type { Call } from "../call/call.ts";
import { Facts } from "../call/facts.tsx";
import { Origin } from "../call/origin.tsx";
import { Remove } from "../call/remove.tsx";
import { Reports } from "../call/reports.tsx";
import { Trace } from "../call/trace.tsx";
import { decisionOf, unpricedOf } from "../call/words.ts";
import { exactnessOf } from "../exactness.ts";
import { formatDuration, formatTime } from "../figures.ts";
import { ledger, read, useAnswer } from "../ledger.ts";
import { AsOf } from "../parts/as-of.tsx";
import { Message, ProblemMessage } from "../parts/message.tsx";
import { Money } from "../parts/money.tsx";
import { Skeleton } from "../parts/skeleton.tsx";
import type { Problem } from "../problem.ts";
import { addressOf } from "../route.ts";
import { isAdmin, signedIn } from "../session.ts";
import { useStore } from "../store.ts";
import type { ViewProps } from "../views.ts";
import { isZone, ownZone } from "../zone.ts";
import "../call/call.css";

export default function CallView({ id: asked, query }: ViewProps) {
  const id = asked.toLowerCase();
  const named = query.get("tz");
  const zone = named !== null && isZone(named) ? named : ownZone();
  const [goneId, setGoneId] = useState<string | null>(null);
  const { data, problem, isStale, held, retry } = useAnswer(`call ${id}`, async (signal) => ({
    call: await read(ledger.GET("/v1/traces/{id}", { params: { path: { id } }, signal })),
    at: new Date().toISOString(),
  }));
  // What was remembered of it is over once it is gone.
  const call = data?.call.id === id && problem?.status !== 404 ? data.call : null;
  const traceId = problem === null || call !== null ? data?.call.trace_id : null;
  useEffect(() => {
    if (call !== null && query.get("part") === "trace") document.getElementById("trace")?.scrollIntoView();
  }, [call?.id]);
  if (goneId === id) return <Gone />;
  return (
    <>
      <div class="title">
        <h1>Call</h1>
        <AsOf at={data?.at} zone={zone} isStale={call !== null && isStale} held={held} />
      </div>
      {named !== null && !isZone(named) && (
        <Message kind="warning" title={`There is no time zone “${named}”`}>
          Times are in {zone} instead. <a href={addressOf("call", {}, id)}>Leave the zone out</a>.
        </Message>
      )}
      <CallProblem problem={problem} retry={retry} />
      {call === null && problem === null && <Skeleton rows={14} label="Loading the call" />}
      {call !== null && <Shown call={call} zone={zone} onGone={() => setGoneId(id)} />}
      {/* It stays while another call of the trace is loaded. */}
      {traceId && <Trace traceId={traceId} callId={id} />}
    </>
  );
}

function Shown({ call, zone, onGone }: { call: Call; zone: string; onGone: () => void }) {
  const now = useStore(signedIn);
  const decision = decisionOf(call);
  const inexact = exactnessOf(call);
  const startMs = Date.parse(call.timestamp);
  return (
    <>
      <section class="card call-top" aria-label="The call">
        <div>
          <p class="call-model">
            <bdi>{call.model}</bdi>
          </p>
          <p class="muted">
            by <bdi>{call.application}</bdi>
            {call.user_id !== null && (
              <>
                {" "}
                for <bdi>{call.user_id}</bdi>
              </>
            )}{" "}
            at {formatTime(startMs, zone)}
            {call.duration_ms !== null && `, ${formatDuration(call.duration_ms)}`}
            {call.status === "error" && ", failed"}
          </p>
        </div>
        <div class="call-cost">
          <p class="big">
            {inexact && <span aria-hidden="true">{inexact.sign} </span>}
            <Money usd={call.cost_usd} />
          </p>
          {inexact && <p class="call-inexact">{inexact.title}</p>}
          <p class={decision.standing === "counted" ? "call-badge" : "call-badge not"}>
            <span aria-hidden="true">{decision.standing === "counted" ? "\u2713" : "\u2715"}</span> {decision.title}
          </p>
        </div>
      </section>
      {call.cost_usd === null && <NoAmount call={call} />}
      {call.cost_usd !== null && !call.billable && (
        <Message kind="note" title="This cost is in no sum">
          {decision.sentence} The receipt shows what it would cost by itself.
        </Message>
      )}
      <div class="call-columns">
        <section class="card" aria-labelledby="call-receipt">
          <h2 id="call-receipt">Receipt</h2>
          <Bill receipt={call.receipt} />
          <Origin call={call} decision={decision} zone={zone} />
        </section>
        <section class="card">
          <Facts call={call} zone={zone} />
          {now.state === "in" && isAdmin(now.session) && <Remove call={call} zone={zone} onGone={onGone} />}
        </section>
      </div>
      <Reports call={call} zone={zone} />
    </>
  );
}

/** Why there is no amount, and what to do. */
function NoAmount({ call }: { call: Call }) {
  const { sentence, canBePriced } = unpricedOf(call.unpriced_reason);
  return (
    <Message kind="warning" title={canBePriced ? "This call has no cost yet" : "This call has no cost"}>
      {sentence} {!call.billable && "It does not count anyway. "}
      {canBePriced ? (
        <a href={addressOf("prices", { price: "new", provider: call.provider, model: call.model })}>Price this model</a>
      ) : (
        <a href="/docs">What a caller can send</a>
      )}
      .
    </Message>
  );
}

function CallProblem({ problem, retry }: { problem: Problem | null; retry: () => void }) {
  if (problem?.status === 404) {
    return (
      <Message kind="empty" title={problem.sentence}>
        The id may be mistyped, or the call deleted. <a href={addressOf("calls")}>All calls</a>
      </Message>
    );
  }
  if (problem?.code === "raw_expired") {
    return (
      <Message kind="empty" title="This call was deleted for its age">
        {problem.sentence} Its cost is still in the sums. <a href={addressOf("explore")}>Explore them</a>
      </Message>
    );
  }
  return <ProblemMessage problem={problem} retry={retry} />;
}

function Gone() {
  return (
    <Message kind="note" title="The call is deleted">
      No sum counts it any more. <a href={addressOf("calls")}>All calls</a>
    </Message>
  );
}
