/** `/sessions/{id}`: what a session cost, call by call. */
import { ByTag } from "../session/by-tag.tsx";
import { SessionCalls } from "../session/calls.tsx";
import { sessionIdOf } from "../session/session.ts";
import { Totals } from "../session/totals.tsx";
import { useAnswer } from "../ledger.ts";
import { AsOf } from "../parts/as-of.tsx";
import { Message, ProblemMessage } from "../parts/message.tsx";
import { Skeleton } from "../parts/skeleton.tsx";
import { addressOf } from "../route.ts";
import { pageOf } from "../session/page.ts";
import type { ViewProps } from "../views.ts";
import { isZone, ownZone } from "../zone.ts";
import { sessionAddress } from "../session/session.ts";
import "../session/session.css";

export default function SessionView({ id: inPath, query }: ViewProps) {
  const id = sessionIdOf(inPath, query);
  const named = query.get("tz");
  const zone = named !== null && isZone(named) ? named : ownZone();
  const range = rangeIn(query);
  const question = JSON.stringify([id, range, named]);
  const { data, problem, isStale, held, retry } = useAnswer(`session ${question}`, async (signal) => ({
    question,
    page: await pageOf(id, { ...range, tz: zone }, null, signal),
    at: new Date().toISOString(),
  }));
  const session = data?.question === question ? data.page : null;
  return (
    <>
      <div class="title">
        <h1 class="session-name">
          Session <bdi>{id}</bdi>
        </h1>
        <AsOf at={data?.at} zone={zone} isStale={session !== null && isStale} held={held} />
      </div>
      {named !== null && !isZone(named) && (
        <Message kind="warning" title={`There is no time zone “${named}”`}>
          Times are in {zone} instead. <a href={sessionAddress(id)}>Leave the zone out</a>.
        </Message>
      )}
      {problem?.status === 404 ? (
        <Message kind="empty" title="There is no such session in this range">
          {range.from === undefined ? "The last 30 days were looked at. " : "It may have been at another time. "}
          The id may be mistyped, or of another project. <a href={elsewhereOf(id)}>Look at the last year</a>, or at{" "}
          <a href={addressOf("calls")}>all calls</a>.
        </Message>
      ) : (
        <ProblemMessage problem={problem} retry={retry} />
      )}
      {session === null && problem === null && <Skeleton rows={12} label="Loading the session" />}
      {session !== null && (
        <>
          <Totals session={session.session} range={{ ...range, tz: zone }} />
          <ByTag session={session.session} range={{ ...range, tz: zone }} query={query} />
          <SessionCalls
            // Older pages go on from the end of the first one.
            key={`${question} ${session.next}`}
            question={question}
            id={id}
            range={{ ...range, tz: zone }}
            first={session}
            zone={zone}
          />
        </>
      )}
    </>
  );
}

/** As the API takes it, so that a wrong one is refused by it. */
function rangeIn(query: URLSearchParams): { from?: string; to?: string } {
  const [from, to] = [query.get("from"), query.get("to")];
  return { ...(from !== null && { from }), ...(to !== null && { to }) };
}

const DAY_MS = 86_400_000;

function elsewhereOf(id: string): string {
  const nowMs = Math.ceil(Date.now() / DAY_MS) * DAY_MS;
  const range = { from: new Date(nowMs - 366 * DAY_MS).toISOString(), to: new Date(nowMs).toISOString() };
  const [path, params] = sessionAddress(id).split("?");
  const query = new URLSearchParams(params);
  for (const [name, value] of Object.entries(range)) query.set(name, value);
  return `${path}?${query.toString()}`;
}
