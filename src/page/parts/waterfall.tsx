/** From the cost before to the cost now, cause by cause. */
import type { Step } from "../causes.ts";
import { Difference, Money } from "./money.tsx";

interface WaterfallProps {
  steps: readonly Step[];
  label: string;
  /** Where a step leads; null: nowhere. */
  hrefOf?: (step: Step) => string | null;
  /** The step whose rows are shown. */
  current?: string | null;
}

export function Waterfall({ steps, label, hrefOf, current = null }: WaterfallProps) {
  const levels = steps.flatMap(({ from, to }) => [from, to]);
  const [low, high] = levels.reduce(([low, high], level) => [level < low ? level : low, level > high ? level : high], [
    0n,
    1n,
  ] as [bigint, bigint]);
  // Only what is drawn: the figures beside it are exact.
  const placeOf = (level: bigint): number => (Number(level - low) / Number(high - low)) * 100;
  return (
    <ol class="waterfall" aria-label={label}>
      {steps.map((step) => {
        const [left, right] = [placeOf(step.from), placeOf(step.to)].sort((a, b) => a - b) as [number, number];
        const kind = step.isEnd ? "end" : step.to > step.from ? "up" : "down";
        const href = hrefOf?.(step) ?? null;
        return (
          <li key={step.key} data-key={step.key} aria-current={step.key === current ? "true" : undefined}>
            <span class="name">
              {href === null ? (
                <bdi>{step.name}</bdi>
              ) : (
                <a href={href}>
                  <bdi>{step.name}</bdi>
                </a>
              )}
            </span>
            <span class="track" aria-hidden="true">
              <span class={`bar ${kind}`} style={{ left: `${left}%`, width: `${Math.max(right - left, 0.3)}%` }} />
            </span>
            <span class="value">{step.isEnd ? <Money usd={step.usd} /> : <Difference usd={step.usd} />}</span>
          </li>
        );
      })}
    </ol>
  );
}
