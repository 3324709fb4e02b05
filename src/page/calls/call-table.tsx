/** Calls as rows: the first cell leads to the call's receipt, the others to its session, its trace and their like. */
import type { ComponentChildren } from "preact";
import { exactnessOf } from "../exactness.ts";
import { formatCount, formatDuration, formatTime } from "../figures.ts";
import { fieldName, type FilterField, withFilter } from "../filters.ts";
import { groupName } from "../groups.ts";
import { Money } from "../parts/money.tsx";
import { type Column, Table } from "../parts/table.tsx";
import type { Range } from "../range.ts";
import { addressOf, PATHS } from "../route.ts";
import { iso } from "../zone.ts";
import { addressWith, withOne } from "./question.ts";
import type { Call } from "./use-list.ts";
import { notCounted, reasonWords } from "./words.ts";

interface CallTableProps {
  calls: readonly Call[];
  query: URLSearchParams;
  range: Range;
}

export function CallTable({ calls, query, range }: CallTableProps) {
  return <Table caption="Calls, newest first" rows={calls} columns={columnsOf(query, range)} keyOf={({ id }) => id} />;
}

function columnsOf(query: URLSearchParams, range: Range): Column<Call>[] {
  const { zone } = range;
  const value = (field: FilterField, text: string, name: ComponentChildren = groupName(text)) => (
    <a href={addressWith(PATHS.calls, withFilter(query, field, text))} title={`Only this ${fieldName(field)}`}>
      <bdi>{name}</bdi>
    </a>
  );
  return [
    {
      key: "time",
      title: "Time",
      render: ({ id, timestamp }) => (
        <a class="calls-time" href={addressOf("call", { tz: query.get("tz") ?? undefined }, id)} title={timestamp}>
          {formatTime(Date.parse(timestamp), zone)}
        </a>
      ),
    },
    {
      key: "model",
      title: "Model",
      render: (call) => (
        <>
          {value("model", call.model)}
          <small class="calls-more">{value("provider", call.provider)}</small>
        </>
      ),
    },
    { key: "cost", title: "Cost", isFigure: true, render: (call) => <Cost call={call} /> },
    {
      key: "application",
      title: "Application, user",
      render: ({ application, user_id: user }) => (
        <>
          {value("application", application)}
          {user !== null && <small class="calls-more">{value("user", user)}</small>}
        </>
      ),
    },
    { key: "input", title: "In", isFigure: true, render: (call) => <Input call={call} /> },
    { key: "output", title: "Out", isFigure: true, render: (call) => tokens(call.output_tokens) },
    { key: "duration", title: "Duration", isFigure: true, render: (call) => formatDuration(call.duration_ms) },
    { key: "status", title: "Status", render: (call) => <Status call={call} /> },
    {
      key: "within",
      title: "Session, trace",
      render: ({ session_id: session, trace_id: trace }) => (
        <>
          {session !== null && (
            <a href={sessionAddress(session, range)} title="The session">
              <bdi>{session}</bdi>
            </a>
          )}
          {trace !== null && (
            <small class="calls-more">
              <a
                href={addressWith(PATHS.calls, withOne(withOne(query, "trace_id", trace), "billable", "all"))}
                title="All spans of the trace that are stored as calls"
              >
                <bdi>{trace}</bdi>
              </a>
            </small>
          )}
          {session === null && trace === null && NONE}
        </>
      ),
    },
    {
      key: "tags",
      title: "Tags",
      render: ({ tags }) => (
        <ul class="calls-tags">
          {Object.entries(tags).map(([key, text]) => (
            <li key={key}>{value(`tag.${key}`, text, `${groupName(key)}: ${groupName(text)}`)}</li>
          ))}
        </ul>
      ),
    },
  ];
}

export const NONE = <span class="muted">{"\u2013"}</span>;

/** Unknown is no figure, and says why; what does not count has a cost that is in no sum. */
function Cost({ call }: { call: Call }) {
  const inexact = exactnessOf(call);
  return (
    <>
      {inexact && `${inexact.sign} `}
      <Money usd={call.cost_usd} />
      {inexact && <small class="calls-more muted">{inexact.title.toLowerCase()}</small>}
      {call.cost_usd === null && <small class="calls-more muted">{reasonWords(call.unpriced_reason)}</small>}
      {!call.billable && <small class="calls-more muted">not counted: {notCounted(call.rule)}</small>}
    </>
  );
}

function Input({ call }: { call: Call }) {
  const cached = call.cache_read_tokens;
  return (
    <>
      {tokens(call.input_tokens)}
      {cached !== null && cached > 0 && <small class="calls-more muted">{formatCount(cached)} cached</small>}
    </>
  );
}

function tokens(count: number | null): ComponentChildren {
  return count === null ? <span class="muted">unknown</span> : formatCount(count);
}

function Status({ call }: { call: Call }) {
  if (call.status === "ok") return <span class="muted">ok</span>;
  return (
    <span class="calls-error">
      <span aria-hidden="true">! </span>error
      {call.error_type !== null && (
        <small class="calls-more">
          <bdi>{call.error_type}</bdi>
        </small>
      )}
    </span>
  );
}

/** A path cannot end with `.` or `..`, so sessions of these names are lists of calls. */
export function sessionAddress(session: string, range: Range): string {
  const { from, to, zone } = range;
  const within = { from: iso(from), to: iso(to), tz: zone };
  if (session === "." || session === "..") return addressOf("calls", { ...within, session_id: session });
  return addressOf("session", within, session);
}
