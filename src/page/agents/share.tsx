/** How much of what an agent counted the ledger has, and what is missing. */
import { formatCount } from "../figures.ts";
import type { Schemas } from "../ledger.ts";

export type Compared = Schemas["CoverageTotal"];

export function nameOf({ application, emitter }: Pick<Compared, "application" | "emitter">): string {
  return application ?? emitter;
}

/** Null is unknown, and not 0. Where the ledger has more, nothing is missing. */
export function missingWords({ missing: { total_tokens: missing } }: Compared): string {
  if (missing === null) return "unknown";
  return missing < 0 ? `${formatCount(-missing)} too many` : formatCount(missing);
}

export function missingSentence({ claimed, missing: { total_tokens: missing } }: Compared): string {
  if (claimed.total_tokens === null || missing === null) return "The agent did not say how many tokens it used.";
  const of = `${formatCount(claimed.total_tokens)} tokens that the agent counted`;
  if (missing === 0) return `The ledger has all of the ${of}.`;
  if (missing < 0) return `The ledger has ${formatCount(-missing)} more than the ${of}.`;
  return `${formatCount(missing)} of the ${of} are missing in the ledger.`;
}

export function Share({ of }: { of: Compared }) {
  const { share_percent: share } = of;
  if (share === null) return <span class="muted">unknown</span>;
  return (
    <span class="agents-share">
      <progress max={100} value={Math.min(share, 100)} aria-label={`In the ledger, of ${nameOf(of)}`} />
      {share}%
    </span>
  );
}
