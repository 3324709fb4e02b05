/** A price of a unit, in full: a rounded price would be another one. */
import { formatExactly } from "../money.ts";

export function UnitPrice({ usd }: { usd: string | undefined }) {
  if (usd === undefined) return <span class="muted">{"\u2013"}</span>;
  return (
    <span class="money" data-usd={usd}>
      {formatExactly(usd)}
    </span>
  );
}
