/** `/calls`: the calls of a range one by one, newest first, and their sum. With `live=1` the list follows what comes. */
import { useRef } from "preact/hooks";
import { CallTable } from "../calls/call-table.tsx";
import "../calls/calls.css";
import { Head } from "../calls/head.tsx";
import { LiveNews, LiveSwitch } from "../calls/live-news.tsx";
import { Pager } from "../calls/pager.tsx";
import { isLive, listQuery, sumQuery, without } from "../calls/question.ts";
import { Nothing, Refusal } from "../calls/states.tsx";
import { Total } from "../calls/total.tsx";
import { looking, useCalls, useSum } from "../calls/use-list.ts";
import { type Known, useLive } from "../calls/use-live.ts";
import { ExportMenu } from "../parts/export-menu.tsx";
import { SavedViews } from "../parts/saved-views.tsx";
import { Skeleton } from "../parts/skeleton.tsx";
import { rangeOf } from "../range.ts";
import type { ViewProps } from "../views.ts";

/** How often a list that follows looks. */
const LIVE_MS = 2_000;

export default function Calls({ query }: ViewProps) {
  const nowMs = Date.now();
  const range = rangeOf(query, nowMs, "30d");
  const follows = isLive(query, range, nowMs);
  const everyMs = follows ? LIVE_MS : undefined;
  const asked = listQuery(query, range);
  const known: Known = useRef<ReadonlySet<string>>(new Set());
  const answer = useCalls(follows ? looking(asked) : asked, () => known.current, everyMs);
  const box = useRef<HTMLDivElement>(null);
  // An answer to another question would be followed as if it were of this one.
  const live = useLive(
    follows ? `live ${without(query).toString()}` : "",
    follows && !answer.isLoading ? answer.data : null,
    box,
    known,
  );
  const rows = follows && live.shown.length > 0 ? live.shown : answer.data?.rows;
  const next = follows ? (live.goesOn ? (live.shown.at(-1)?.id ?? null) : null) : (answer.data?.next ?? null);
  const sum = useSum(sumQuery(query, range), everyMs);
  return (
    <>
      <Head of="calls" query={query} range={range} at={answer.data?.at} isStale={answer.isStale} held={answer.held}>
        <SavedViews />
        <ExportMenu path="/v1/traces" query={asked} />
        <LiveSwitch query={query} follows={follows} ended={range.to <= nowMs} />
      </Head>
      <Total query={query} range={range} sum={sum} />
      <Refusal of="calls" query={query} range={range} problem={answer.problem} retry={answer.retry} />
      {follows && <LiveNews arrived={live.arrived} waiting={live.waiting} reveal={live.reveal} />}
      {rows === undefined ? (
        answer.problem === null && <Skeleton rows={12} label="Loading calls" />
      ) : rows.length === 0 ? (
        answer.problem === null && <Nothing of="calls" query={query} range={range} />
      ) : (
        <div class="card calls-list of-calls" ref={box} aria-busy={answer.isLoading}>
          <CallTable calls={rows} query={query} range={range} />
          <Pager of="calls" query={query} next={next} />
        </div>
      )}
    </>
  );
}
