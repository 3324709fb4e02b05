/** The cost of a period against the same time of the one before, and what its calls are like. */
import { formatBriefCount, formatCount, formatDuration, formatShare } from "../figures.ts";
import type { Schemas } from "../ledger.ts";
import { Message } from "../parts/message.tsx";
import { Change, Money } from "../parts/money.tsx";
import { Skeleton } from "../parts/skeleton.tsx";

type Sums = Schemas["Sums"];

interface SpendProps {
  title: string;
  id?: string;
  totals: Sums | undefined;
  /** What it is compared with. */
  than: string;
  /** Where the cost is told apart. */
  href: string;
}

export function Spend({ title, id, totals, than, href }: SpendProps) {
  return (
    <section class="card spend">
      <h2>{title}</h2>
      {totals ? (
        <>
          <p class="big">
            <a href={href}>
              <Money usd={totals.cost_usd} {...(id !== undefined && { id })} />
            </a>
          </p>
          <p>
            <Change
              now={totals.cost_usd}
              before={totals.previous?.cost_usd ?? null}
              difference={totals.difference_usd ?? "0"}
            />{" "}
            <span class="muted">against {than}</span>
          </p>
        </>
      ) : (
        <Skeleton rows={2} label={`Loading: ${title}`} />
      )}
    </section>
  );
}

export function Coverage({ totals }: { totals: Sums }) {
  if (totals.unpriced_requests === 0) return null;
  return (
    <Message kind="warning" title={`${formatCount(totals.unpriced_requests)} calls of this month have no price`}>
      Their {formatCount(totals.unpriced_tokens)} tokens are not in any sum. <a href="/prices">Set a price</a>, and the
      past is restated.
    </Message>
  );
}

export function Rates({ totals }: { totals: Sums | undefined }) {
  const figures = [
    ["Requests", totals && formatBriefCount(totals.requests)],
    ["Tokens", totals && formatBriefCount(totals.total_tokens)],
    ["Errors", totals && formatShare(totals.error_rate)],
    ["Cache hits", totals && formatShare(totals.cache_hit_rate)],
    ["Cache saved, about", totals && <Money usd={totals.cache_savings_estimate_usd ?? null} />],
    ["Latency, p95", totals && formatDuration(totals.latency_ms?.p95)],
    ["Reported by others", totals && totals.reported_requests > 0 && <Reported totals={totals} />],
  ] as const;
  return (
    <dl class="figures">
      {figures
        .filter(([, value]) => value !== false)
        .map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value ?? "…"}</dd>
          </div>
        ))}
    </dl>
  );
}

function Reported({ totals }: { totals: Sums }) {
  return (
    <a href="/prices" title={`For ${formatCount(totals.reported_requests)} calls. Ours may cover more.`}>
      <Money usd={totals.reported_cost_usd} />
    </a>
  );
}
