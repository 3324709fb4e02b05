/** What a session cost in all, when it was, and whose it is. */
import { formatCount, formatTime } from "../figures.ts";
import type { Schemas } from "../ledger.ts";
import { picoOf, usdOf } from "../money.ts";
import { Inexact } from "../parts/inexact.tsx";
import { Difference, Money } from "../parts/money.tsx";
import { lengthOf } from "../parts/time-line.tsx";
import { addressOf } from "../route.ts";
import { listedTags, tagTitle } from "./by-tag.ts";
import type { SessionRange } from "./page.ts";

interface TotalsProps {
  session: Schemas["Session"];
  range: SessionRange;
}

export function Totals({ session, range: { from, to, tz } }: TotalsProps) {
  const { cost_usd: cost, reported_cost_usd: reported, unpriced_requests: unpriced } = session;
  const [firstMs, lastMs] = [Date.parse(session.first_at), Date.parse(session.last_at)];
  return (
    <>
      <section class="card session-top" aria-label="The session">
        <div>
          <p class="muted">Cost</p>
          <p class="big">
            <Money usd={cost} id="session-cost" />
          </p>
        </div>
        <div>
          <p>
            {formatTime(firstMs, tz)} to {formatTime(lastMs, tz)}{" "}
            <span class="muted">({lengthOf(lastMs - firstMs)})</span>
          </p>
          <Names title="Users" names={session.users} />
          <Names title="Applications" names={session.applications} />
          {listedTags(session).map(([tag, values]) => (
            <Names key={tag} title={tagTitle(tag)} names={values} />
          ))}
        </div>
      </section>
      <dl class="figures">
        <div>
          <dt>Calls</dt>
          <dd>{formatCount(session.requests)}</dd>
        </div>
        <div>
          <dt>Failed</dt>
          <dd>{formatCount(session.errors)}</dd>
        </div>
        <div>
          <dt>Input tokens</dt>
          <dd>{formatCount(session.input_tokens)}</dd>
        </div>
        <div>
          <dt>Output tokens</dt>
          <dd>{formatCount(session.output_tokens)}</dd>
        </div>
        {unpriced > 0 && (
          <div>
            <dt>Without a price</dt>
            <dd>{formatCount(unpriced)}</dd>
          </div>
        )}
        {reported !== null && (
          <div>
            <dt>Reported cost</dt>
            <dd>
              <Money usd={reported} />{" "}
              {cost !== null && reported !== cost && <Difference usd={usdOf(picoOf(reported) - picoOf(cost))} />}
            </dd>
          </div>
        )}
      </dl>
      <Inexact totals={session} href={addressOf("calls", { session_id: session.session_id, from, to, tz })} />
    </>
  );
}

/** The API names ten at most. */
const MOST = 10;

function Names({ title, names }: { title: string; names: readonly string[] }) {
  if (names.length === 0) return null;
  return (
    <p class="session-names">
      <span class="muted">{title}:</span>{" "}
      {names.map((name, place) => (
        <>
          {place > 0 && ", "}
          <bdi>{name}</bdi>
        </>
      ))}
      {names.length === MOST && " and perhaps more"}
    </p>
  );
}
