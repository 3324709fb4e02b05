/** `/doubles`: pairs of calls that both count and may be one. */
import { type Decision, decisions, keyOf, type Pair } from "../agents/decisions.ts";
import { Frame } from "../agents/frame.tsx";
import { PairCard } from "../agents/pair.tsx";
import { addressWith, without, withOne } from "../calls/question.ts";
import { answeredAt } from "../calls/use-list.ts";
import { ledger, read, useAnswer } from "../ledger.ts";
import { Message } from "../parts/message.tsx";
import { rangeOf } from "../range.ts";
import { PATHS } from "../route.ts";
import { chosenProject, isAdmin, signedIn } from "../session.ts";
import { useStore } from "../store.ts";
import type { ViewProps } from "../views.ts";
import { iso } from "../zone.ts";

const PAGE = 20;
/** A page of the ledger may have no pair although others follow. */
const MOST_LOOKS = 10;

export default function Doubles({ query }: ViewProps) {
  const now = useStore(signedIn);
  const session = now.state === "in" ? now.session : null;
  const mayDecide = session !== null && isAdmin(session);
  const project = session?.project?.id ?? chosenProject.get() ?? "";
  const said = useStore(decisions);
  const range = rangeOf(query, Date.now(), "7d");
  const asked = { from: iso(range.from), to: iso(range.to), limit: PAGE };
  const first = query.get("cursor");
  const answer = useAnswer(`doubles ${JSON.stringify([asked, first])}`, async (signal) => {
    const pairs: Pair[] = [];
    let next = first;
    for (let looks = 0; ;) {
      const question = { ...asked, ...(next !== null && { cursor: next }) };
      const sent = ledger.GET("/v1/doubles", { params: { query: question }, signal });
      const { doubles, next_cursor } = await read(sent);
      pairs.push(...doubles);
      next = next_cursor;
      if (next === null || pairs.length >= PAGE || ++looks >= MOST_LOOKS)
        return { pairs, next, at: answeredAt((await sent).response) };
    }
  });
  // The ledger lists a pair no more once it was decided.
  const shownOf = (pairs: readonly Pair[]): Pair[] => {
    const listed = new Set(pairs.map(keyOf));
    const isIn = ({ pair: { calls }, ...one }: Decision): boolean =>
      one.project === project &&
      calls.every(({ timestamp }) => Date.parse(timestamp) >= range.from && Date.parse(timestamp) < range.to);
    const others = Object.entries(said).filter(([key, one]) => !listed.has(key) && isIn(one));
    return [...pairs, ...others.map(([, { pair }]) => pair)];
  };
  return (
    <Frame
      of="doubles"
      query={query}
      range={range}
      answer={answer}
      about="Calls that count twice if two reports of one call came without an id that joins them. The oldest are first."
      nothing={({ pairs, next }) =>
        next === null && shownOf(pairs).length === 0 ? "No pairs that may be one call in this range" : null
      }
    >
      {({ pairs, next }) => (
        <>
          {!mayDecide && (
            <Message kind="note" title="Your key may not say what they are">
              Sign in with a key of scope admin to do so.
            </Message>
          )}
          <div class="cards">
            {shownOf(pairs).map((pair) => (
              <PairCard
                key={keyOf(pair)}
                pair={pair}
                project={project}
                decision={said[keyOf(pair)]}
                mayDecide={mayDecide}
                zone={range.zone}
              />
            ))}
          </div>
          <nav class="calls-pager" aria-label="Pages">
            {first !== null && <a href={addressWith(PATHS.doubles, without(query))}>The oldest</a>}
            {next !== null && <a href={addressWith(PATHS.doubles, withOne(query, "cursor", next))}>Later ones</a>}
          </nav>
        </>
      )}
    </Frame>
  );
}
