/** How much of what an agent counted the ledger has, and what is missing. */
import type { Schemas } from "../ledger.ts";
import { formatCount } from "../figures.ts";

export type Compared = Schemas["TotalCoverage"];

export interface Sides {
  agent: number | null;
  ledger: number | null;
  /** Below 0: the ledger has more. Null if the agent counted nothing. */
  missing: number | null;
}

/** Input and output together, as the share is over both. Null is unknown, and not 0. */
export function tokensOf({ input_tokens: input, output_tokens: output }: Compared): Sides {
  const both = (side: "agent" | "ledger"): number | null =>
    input[side] === null && output[side] === null ? null : (input[side] ?? 0) + (output[side] ?? 0);
  const [agent, counted] = [both("agent"), both("ledger")];
  return { agent, ledger: counted, missing: agent === null ? null : agent - (counted ?? 0) };
}

export function nameOf({ application, emitter }: Compared): string {
  return application ?? emitter;
}

/** In a figure. Where the ledger has more, nothing is missing. */
export function missingWords({ missing }: Sides): string {
  if (missing === null) return "unknown";
  return missing < 0 ? `${formatCount(-missing)} too many` : formatCount(missing);
}

export function missingSentence({ agent, missing }: Sides): string {
  if (agent === null || missing === null) return "The agent did not say how many tokens it used.";
  const of = `${formatCount(agent)} tokens that the agent counted`;
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
