/** The cost of a period against the same time of the one before, with the reason; and what its calls are like. */
import type { ComponentChildren } from "preact";
import type { Explanation } from "../explanation.ts";
import { formatBriefCount, formatCount, formatDuration, formatShare } from "../figures.ts";
import type { Loaded, Schemas } from "../ledger.ts";
import { picoOf, usdOf } from "../money.ts";
import { type AskedPeriods, whyOf } from "../periods.ts";
import { Message, ProblemMessage } from "../parts/message.tsx";
import { Change, Difference, Money } from "../parts/money.tsx";
import { Reason } from "../parts/reason.tsx";
import { Skeleton } from "../parts/skeleton.tsx";
import { addressOf } from "../route.ts";

type Sums = Schemas["Sums"];

/** The change against the period before; null if one of the costs is unknown. */
export function differenceOf({ cost_usd, previous, difference_usd }: Sums): string | null {
  return cost_usd === null || previous?.cost_usd === null ? null : (difference_usd ?? null);
}

interface SpendProps {
  title: string;
  id?: string;
  totals: Sums | undefined;
  why: Loaded<Explanation>;
  periods: Required<AskedPeriods>;
  /** What it is compared with. */
  than: string;
}

export function Spend({ title, id, totals, why, periods, than }: SpendProps) {
  const { from, to, tz, compare_from, compare_to } = periods;
  const before = totals?.previous?.cost_usd ?? null;
  return (
    <section class="card spend">
      <h2>{title}</h2>
      {totals ? (
        <>
          <p class="big">
            <a href={addressOf("explore", { from, to, tz })}>
              <Money usd={totals.cost_usd} {...(id !== undefined && { id })} />
            </a>
          </p>
          <p>
            <a class="plain" href={whyOf(periods)}>
              <Change now={totals.cost_usd} before={before} difference={differenceOf(totals)} />
            </a>{" "}
            <span class="muted">
              against{" "}
              <a class="plain" href={addressOf("explore", { from: compare_from, to: compare_to, tz })}>
                <Money usd={before} />
              </a>{" "}
              {than}
            </span>
          </p>
        </>
      ) : (
        why.problem === null && <Skeleton rows={2} label={`Loading: ${title}`} />
      )}
      <ProblemMessage problem={why.problem} retry={why.retry} />
      {why.data ? (
        <Reason difference={why.data.difference_usd} parts={why.data.parts} />
      ) : (
        why.problem === null && <Skeleton rows={1} label={`Loading why it changed: ${title}`} />
      )}
    </section>
  );
}

export function Coverage({ totals }: { totals: Sums }) {
  if (totals.unpriced_requests === 0) return null;
  const one = totals.unpriced_requests === 1;
  return (
    <Message
      kind="warning"
      title={`${formatCount(totals.unpriced_requests)} ${one ? "call" : "calls"} of this month ${one ? "has" : "have"} no price`}
    >
      {one ? "Its" : "Their"} {formatCount(totals.unpriced_tokens)} tokens are not in any sum.{" "}
      <a href="/prices">Set a price</a>, and the past is restated.
    </Message>
  );
}

interface Rate {
  name: string;
  of: (sums: Omit<Sums, "previous">) => ComponentChildren;
  href: string;
}

/** What the month's calls are like. Each figure leads to where it is told apart. */
export function Rates({ totals, periods: { from, to, tz } }: { totals: Sums | undefined; periods: AskedPeriods }) {
  const range = { from, to, tz };
  const explore = (metric: string): string => addressOf("explore", { metric, ...range });
  const rates: Rate[] = [
    { name: "Requests", of: (sums) => formatBriefCount(sums.requests), href: addressOf("calls", range) },
    { name: "Tokens", of: (sums) => formatBriefCount(sums.total_tokens), href: explore("total_tokens") },
    {
      name: "Errors",
      of: (sums) => formatShare(sums.error_rate),
      href: addressOf("calls", { status: "error", ...range }),
    },
    { name: "Cache hits", of: (sums) => formatShare(sums.cache_hit_rate), href: explore("cache_hit_rate") },
    {
      name: "Cache saved, about",
      of: (sums) => <Money usd={sums.cache_savings_estimate_usd ?? null} />,
      href: explore("cache_savings_estimate_usd"),
    },
    { name: "Latency, p95", of: (sums) => formatDuration(sums.latency_ms?.p95), href: explore("p95") },
  ];
  return (
    <dl class="figures">
      {rates.map(({ name, of, href }) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{totals ? <a href={href}>{of(totals)}</a> : "…"}</dd>
          <dd class="before">{totals?.previous ? <>before {of(totals.previous)}</> : "\u00a0"}</dd>
        </div>
      ))}
      {totals && totals.reported_requests > 0 && <Reported totals={totals} />}
    </dl>
  );
}

/** Ours against what callers, gateways or providers reported. It is the same thing only where both know the same calls. */
function Reported({ totals }: { totals: Sums }) {
  const { requests, reported_requests: reported, reported_cost_usd: theirs, cost_usd: ours } = totals;
  const isSame = reported === requests && totals.unpriced_requests === 0 && ours !== null && theirs !== null;
  return (
    <div>
      <dt>Reported by others</dt>
      <dd>
        <a href="/prices">
          <Money usd={theirs} />
        </a>
      </dd>
      <dd class="before">
        {isSame ? (
          <>
            ours <Difference usd={usdOf(picoOf(ours) - picoOf(theirs))} />
          </>
        ) : (
          `for ${formatBriefCount(reported)} of ${formatBriefCount(requests)} calls`
        )}
      </dd>
    </div>
  );
}
