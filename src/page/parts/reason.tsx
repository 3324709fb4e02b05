/** Why a cost changed, in one sentence: `+$60.50: more calls +$175.00, cheaper models −$165.00`. Its parts add up. */
import { type Cause, saidOf } from "../causes.ts";
import { formatDifference, formatExactly } from "../money.ts";

export function Reason({ difference, parts }: { difference: string; parts: Readonly<Record<Cause, string>> }) {
  const said = saidOf(parts);
  if (said.length === 0) return <p class="sentence">Nothing has changed the cost.</p>;
  return (
    <p class="sentence" data-usd={difference}>
      <Signed usd={difference} />:{" "}
      {said.map(({ words, usd }, place) => (
        <span key={words}>
          {place > 0 && ", "}
          {words} <Signed usd={usd} />
        </span>
      ))}
    </p>
  );
}

function Signed({ usd }: { usd: string }) {
  return (
    <span class="money" data-usd={usd} title={formatExactly(usd)}>
      {formatDifference(usd)}
    </span>
  );
}
