/** `/doubles`: pairs of calls that both count and may be one, and those of which somebody has said what they are. */
import { Frame, Pages } from "../agents/frame.tsx";
import { type Pair, PairCard } from "../agents/pair.tsx";
import { addressWith, withOne } from "../calls/question.ts";
import { answeredAt } from "../calls/use-list.ts";
import { ledger, read, useAnswer } from "../ledger.ts";
import { Message } from "../parts/message.tsx";
import { rangeOf } from "../range.ts";
import { PATHS } from "../route.ts";
import { isAdmin, signedIn } from "../session.ts";
import { useStore } from "../store.ts";
import type { ViewProps } from "../views.ts";
import { iso } from "../zone.ts";

const PAGE = 20;
/** A page of the ledger may have no pair although others follow. */
const MOST_LOOKS = 10;
const VERDICTS = [
  [null, "Undecided"],
  ["same", "Same"],
  ["different", "Different"],
] as const;

export default function Doubles({ query }: ViewProps) {
  const now = useStore(signedIn);
  const mayDecide = now.state === "in" && isAdmin(now.session);
  const range = rangeOf(query, Date.now(), "7d");
  const [first, verdict] = [query.get("cursor"), query.get("verdict")];
  const asked = {
    from: iso(range.from),
    to: iso(range.to),
    limit: PAGE,
    // The ledger says what is wrong with another one.
    ...(verdict !== null && { verdict: verdict as "same" }),
  };
  const answer = useAnswer(`doubles ${JSON.stringify([asked, first])}`, async (signal) => {
    const pairs: Pair[] = [];
    for (let next = first, looks = 1; ; looks++) {
      const question = { ...asked, ...(next !== null && { cursor: next }) };
      const sent = ledger.GET("/v1/doubles", { params: { query: question }, signal });
      const { doubles, next_cursor } = await read(sent);
      pairs.push(...doubles);
      next = next_cursor;
      if (next === null || pairs.length >= PAGE || looks === MOST_LOOKS)
        return { pairs, next, at: answeredAt((await sent).response) };
    }
  });
  return (
    <Frame
      of="doubles"
      query={query}
      range={range}
      answer={answer}
      about="Two reports of one call count twice if no id joins them. The oldest pairs are first."
      choice={
        <nav class="calls-lists agents-verdicts" aria-label="Verdict">
          {VERDICTS.map(([one, name]) => (
            <a
              key={name}
              href={addressWith(PATHS.doubles, withOne(query, "verdict", one))}
              aria-current={one === verdict ? "true" : undefined}
            >
              {name}
            </a>
          ))}
        </nav>
      }
      nothing={({ pairs, next }) =>
        next !== null || pairs.length > 0
          ? null
          : verdict === null
            ? "No pairs that may be one call in this range"
            : "Nobody has said that of a pair in this range"
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
            {pairs.map((pair) => (
              <PairCard key={pair.id + pair.verdict} pair={pair} mayDecide={mayDecide} zone={range.zone} />
            ))}
          </div>
          <Pages of="doubles" query={query} next={next} names={["The oldest", "Later ones"]} />
        </>
      )}
    </Frame>
  );
}
