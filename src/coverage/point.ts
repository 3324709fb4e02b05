/** What one point of an agent's counter says. */
import type { AgentName } from "./agents.ts";

/** What a counter counts, in the ledger's sense: the input has what was cached, the output has what was reasoned. */
export const MEASURES = ["input", "output", "cache_read", "cache_write", "reasoning", "cost"] as const;
export type Measure = (typeof MEASURES)[number];

/** An agent, or the standard counters of any other program: the newest, and those before. */
export type Emitter = AgentName | "otel" | "otel-token-usage";

export interface Point {
  emitter: Emitter;
  application: string;
  measures: readonly Measure[];
  /** All that tells the series of this counter from others. */
  series: string;
  /** Text of the session and of the installation. Only digests of them are stored. */
  session: string | null;
  instance: string | null;
  /** True if the amount is that of the counter since its start. False if it is that since the point before. */
  cumulative: boolean;
  /** Epoch ns. 0 if it is not known. */
  startNs: bigint;
  timeNs: bigint;
  /** Tokens, or pico-USD. A negative one is counted as such, and adds nothing. */
  amount: bigint;
}
