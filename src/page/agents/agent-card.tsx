/** One agent over the whole range: the share, what is missing in a sentence, and both costs. */
import { formatCount, formatTime } from "../figures.ts";
import { Money } from "../parts/money.tsx";
import type { Range } from "../range.ts";
import { addressOf } from "../route.ts";
import { iso } from "../zone.ts";
import { type Compared, missingSentence, nameOf, Share } from "./share.tsx";

export function AgentCard({ of, range }: { of: Compared; range: Range }) {
  const { emitter, application, claimed, ledger, missing, notes } = of;
  const span = { from: iso(range.from), to: iso(range.to), tz: range.zone };
  const filter = application === null ? { "tag.agent": emitter } : { application };
  const at = (time: string | null) => (
    <span class="calls-time">{time === null ? "none" : formatTime(Date.parse(time), range.zone)}</span>
  );
  return (
    <section class="card agents-card" data-agent={emitter}>
      <h2>
        <bdi>{nameOf(of)}</bdi> {application !== null && <span class="muted">by its {emitter} counters</span>}
      </h2>
      <p class="big">
        <Share of={of} />
      </p>
      <p>
        {missingSentence(of)}{" "}
        {(missing.total_tokens ?? 0) < 0 && <a href={addressOf("doubles", span)}>Look for calls that count twice</a>}
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
            <a href={addressOf("calls", { ...filter, ...span })}>{formatCount(ledger.requests)}</a>
          </dd>
        </div>
        <div>
          <dt>Cost, ledger</dt>
          <dd>
            <Money usd={ledger.cost_usd} />
          </dd>
        </div>
        <div>
          <dt>Cost, agent</dt>
          <dd>
            <Money usd={claimed.cost_usd} />
          </dd>
        </div>
      </dl>
      <p class="muted">
        Last call: {at(ledger.last_at)}. Last counter: {at(claimed.last_at)}.
      </p>
    </section>
  );
}
