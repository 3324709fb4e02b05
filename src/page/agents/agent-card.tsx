/** One agent over the whole range: the share, what is missing in a sentence, and both costs. */
import { formatCount, formatTime } from "../figures.ts";
import { Money } from "../parts/money.tsx";
import type { Range } from "../range.ts";
import { addressOf } from "../route.ts";
import { iso } from "../zone.ts";
import { type Compared, missingWords, nameOf, Share, tokensOf } from "./share.tsx";

export function AgentCard({ of, range }: { of: Compared; range: Range }) {
  const { emitter, application, requests, cost_usd: cost, notes } = of;
  const tokens = tokensOf(of);
  const filter = application === null ? { "tag.agent": emitter } : { application };
  const at = (time: string | null): string => (time === null ? "none" : formatTime(Date.parse(time), range.zone));
  return (
    <section class="card" data-agent={emitter} data-application={application ?? ""}>
      <h2>
        <bdi>{nameOf(of)}</bdi> {application !== null && <span class="muted">by its {emitter} counters</span>}
      </h2>
      <p class="big">
        <Share of={of} />
      </p>
      <p>
        {tokens.agent === null
          ? "The agent did not say how many tokens it used."
          : `The agent counted ${formatCount(tokens.agent)} tokens. Missing in the ledger: ${missingWords(tokens)}.`}
      </p>
      {notes.length > 0 && (
        <ul class="agents-notes">
          {notes.map((note) => (
            <li key={note}>{note}</li>
          ))}
        </ul>
      )}
      <dl class="figures">
        <div>
          <dt>Calls</dt>
          <dd>
            <a href={addressOf("calls", { ...filter, from: iso(range.from), to: iso(range.to), tz: range.zone })}>
              {formatCount(requests)}
            </a>
          </dd>
        </div>
        <div>
          <dt>Cost, ledger</dt>
          <dd>
            <Money usd={cost.ledger} />
          </dd>
        </div>
        <div>
          <dt>Cost, agent</dt>
          <dd>
            <Money usd={cost.agent} />
          </dd>
        </div>
      </dl>
      <p class="muted">
        Last call: {at(of.last_call_at)}. Last counter: {at(of.last_metric_at)}.
      </p>
    </section>
  );
}
