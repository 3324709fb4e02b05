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

export function missingWords({ missing }: Sides): string {
  if (missing === null) return "not counted by the agent";
  if (missing === 0) return "nothing";
  return missing > 0 ? formatCount(missing) : `${formatCount(-missing)} too many`;
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
