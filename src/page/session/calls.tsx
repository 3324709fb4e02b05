/** The calls of a session, newest first, each with its bar on the line of time and the cost so far. */
import { useState } from "preact/hooks";
import { formatCount, formatDuration, formatTime } from "../figures.ts";
import { Refused, remembered, type Schemas } from "../ledger.ts";
import { ProblemMessage } from "../parts/message.tsx";
import { Money } from "../parts/money.tsx";
import { type Column, Table } from "../parts/table.tsx";
import { TimeBar } from "../parts/time-line.tsx";
import type { Problem } from "../problem.ts";
import { addressOf } from "../route.ts";
import { chosenProject } from "../session.ts";
import { spanOf, type TimeSpan } from "../time-line.ts";
import { CostLine } from "./cost-line.tsx";
import { pageOf, type SessionPage, type SessionRange } from "./page.ts";
import { cumulative } from "./session.ts";

type Call = Schemas["Trace"];

export interface Placed {
  call: Call;
  /** What the session had cost after it. */
  soFar: string | null;
}

interface Older {
  calls: Call[];
  next: string | null;
}

interface SessionCallsProps {
  /** The session and its range. */
  question: string;
  id: string;
  range: SessionRange;
  first: SessionPage;
  zone: string;
}

export function SessionCalls({ question, id, range, first, zone }: SessionCallsProps) {
  // Who comes back from a call finds the pages that were there.
  const name = `${chosenProject.get() ?? ""} older than ${first.next ?? ""} ${question}`;
  const [{ calls: older, next }, setOlder] = useState(
    () => (remembered.get(name) as Older | undefined) ?? { calls: [], next: first.next },
  );
  const [problem, setProblem] = useState<Problem | null>(null);
  const [busy, setBusy] = useState(false);
  const more = async (): Promise<void> => {
    setBusy(true);
    try {
      const page = await pageOf(id, range, next, new AbortController().signal);
      const now = { calls: [...older, ...page.calls], next: page.next };
      remembered.set(name, now);
      setOlder(now);
      setProblem(null);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      setProblem(error.problem);
    } finally {
      setBusy(false);
    }
  };
  const calls = [...first.calls, ...older];
  const sums = cumulative(calls, first.session.cost_usd);
  const placed = calls.map((call, place) => ({ call, soFar: sums[place]! }));
  const moments = calls.map(momentOf);
  const span = spanOf([...moments, { startMs: Date.parse(first.session.first_at), durationMs: 0 }]);
  return (
    <section class="card session-calls" aria-labelledby="session-calls">
      <h2 id="session-calls">
        {calls.length === first.session.requests
          ? `${formatCount(calls.length)} ${calls.length === 1 ? "call" : "calls"}`
          : `The latest ${formatCount(calls.length)} of ${formatCount(first.session.requests)} calls`}
      </h2>
      <CostLine placed={placed} span={span} zone={zone} />
      <Table caption="Calls of the session, newest first" rows={placed} columns={columnsOf(span, zone)} keyOf={keyOf} />
      <ProblemMessage problem={problem} retry={() => void more()} />
      {next !== null && problem === null && (
        <button type="button" disabled={busy} onClick={() => void more()}>
          {busy ? "Loading …" : "Show older calls"}
        </button>
      )}
    </section>
  );
}

const keyOf = ({ call }: Placed): string => call.id;

function momentOf({ timestamp, duration_ms: durationMs }: Call) {
  return { startMs: Date.parse(timestamp), durationMs };
}

function columnsOf(span: TimeSpan, zone: string): Column<Placed>[] {
  return [
    {
      key: "start",
      title: "Start",
      render: ({ call }) => <a href={addressOf("call", {}, call.id)}>{formatTime(Date.parse(call.timestamp), zone)}</a>,
    },
    {
      key: "model",
      title: "Model",
      render: ({ call }) => (
        <>
          <bdi>{call.model}</bdi>
          <small class="muted session-application">
            <bdi>{call.application}</bdi>
            {call.status === "error" && " · failed"}
          </small>
        </>
      ),
    },
    {
      key: "time",
      title: "When",
      render: ({ call }) => (
        <span class="session-bar">
          <TimeBar moment={momentOf(call)} span={span} kind="counts" />
          <small>{formatDuration(call.duration_ms)}</small>
        </span>
      ),
    },
    { key: "input", title: "Input", isFigure: true, render: ({ call }) => tokens(call.input_tokens) },
    { key: "output", title: "Output", isFigure: true, render: ({ call }) => tokens(call.output_tokens) },
    { key: "cost", title: "Cost", isFigure: true, render: ({ call }) => <Money usd={call.cost_usd} /> },
    {
      key: "so-far",
      title: "Cost so far",
      isFigure: true,
      render: ({ soFar }) => (
        <span data-so-far>
          <Money usd={soFar} />
        </span>
      ),
    },
    {
      key: "trace",
      title: "Trace",
      render: ({ call }) =>
        call.trace_id === null ? (
          <span class="muted">none</span>
        ) : (
          <a href={addressOf("call", { part: "trace" }, call.id)} aria-label={`Tree of the call ${call.client_id}`}>
            Tree
          </a>
        ),
    },
  ];
}

function tokens(count: number | null): string {
  return count === null ? "unknown" : formatCount(count);
}
