/** Figures of money. Each carries its exact value, as the API said it. */
import { changeOf, formatDifference, formatExactly, formatUsd, picoOf } from "../money.ts";

interface MoneyProps {
  /** Null: unknown. */
  usd: string | null;
  id?: string;
}

export function Money({ usd, id }: MoneyProps) {
  return (
    <span class={usd === null ? "money unknown" : "money"} id={id} data-usd={usd ?? ""} title={formatExactly(usd)}>
      {formatUsd(usd)}
    </span>
  );
}

/** A change of cost, told by its sign and an arrow, and only then by a colour. */
export function Difference({ usd }: MoneyProps) {
  const pico = usd === null ? 0n : picoOf(usd);
  const way = pico > 0n ? "up" : pico < 0n ? "down" : "same";
  return (
    <span class={`money difference ${way}`} data-usd={usd ?? ""} title={formatExactly(usd)}>
      <span aria-hidden="true">{ARROWS[way]} </span>
      {formatDifference(usd)}
    </span>
  );
}

const ARROWS = { up: "\u25b2", down: "\u25bc", same: "\u25c6" } as const;

/** This period against the one before, in money and percent. */
export function Change({
  now,
  before,
  difference,
}: {
  now: string | null;
  before: string | null;
  difference: string | null;
}) {
  const percent = changeOf(now, before);
  return (
    <span class="change">
      <Difference usd={difference} />
      {percent !== null && <span class="percent"> ({percent})</span>}
    </span>
  );
}
