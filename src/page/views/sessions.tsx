/** `/sessions`: the sessions of a range, the one with the latest call first. */
import "../calls/calls.css";
import { Head } from "../calls/head.tsx";
import { Pager } from "../calls/pager.tsx";
import { listQuery } from "../calls/question.ts";
import { SessionTable } from "../calls/session-table.tsx";
import { Nothing, Refusal } from "../calls/states.tsx";
import { useSessions } from "../calls/use-list.ts";
import { SavedViews } from "../parts/saved-views.tsx";
import { Skeleton } from "../parts/skeleton.tsx";
import { rangeOf } from "../range.ts";
import type { ViewProps } from "../views.ts";

export default function Sessions({ query }: ViewProps) {
  // Every call of the range is read, so a short one is asked first.
  const range = rangeOf(query, Date.now(), "24h");
  const { data, problem, isLoading, isStale, held, retry } = useSessions(listQuery(query, range));
  return (
    <>
      <Head of="sessions" query={query} range={range} at={data?.at} isStale={isStale} held={held}>
        <SavedViews />
      </Head>
      <Refusal of="sessions" query={query} range={range} problem={problem} retry={retry} />
      {data === null ? (
        problem === null && <Skeleton rows={12} label="Loading sessions" />
      ) : data.rows.length === 0 ? (
        problem === null && <Nothing of="sessions" query={query} range={range} />
      ) : (
        <div class="card calls-list of-sessions" aria-busy={isLoading}>
          <SessionTable sessions={data.rows} query={query} range={range} />
          <Pager of="sessions" query={query} next={data.next} />
        </div>
      )}
    </>
  );
}
