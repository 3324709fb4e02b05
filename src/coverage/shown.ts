/** The form of the cross-check on the wire. */
import { z } from "zod";
import { count, day, time, usd } from "../wire.ts";

const share = z
  .number()
  .min(0)
  .nullable()
  .describe(
    "What the ledger has of what the agent says, in percent, cut to two decimals. It is 100 only if both are equal. Null if the agent does not say it, or says 0.",
  );
const tokens = z
  .object({
    agent: count.nullable().describe("Null if the agent does not count this."),
    ledger: count.nullable().describe("Null if no call states this."),
    share_percent: share,
  })
  .meta({ id: "ComparedTokens" });

export const Compared = {
  emitter: z
    .string()
    .describe(
      "The agent. `otel` are the counters `gen_ai.client.inference.usage.*` of any other program, `otel-token-usage` its `gen_ai.client.token.usage`.",
    ),
  application: z.string().nullable().describe("The program, if the emitter is no agent."),
  requests: count.describe("Calls of the emitter in the ledger."),
  share_percent: share.describe("The same over all tokens, input and output."),
  input_tokens: tokens.describe("With cached tokens."),
  output_tokens: tokens.describe("With reasoning."),
  cache_read_tokens: tokens,
  cache_write_tokens: tokens,
  reasoning_tokens: tokens,
  cost_usd: z
    .object({
      agent: usd.nullable(),
      ledger: usd.nullable().describe("By the ledger's prices. Null if there are calls and none has a price."),
      reported: usd.nullable().describe("What the calls in the ledger were reported to cost."),
      share_percent: share,
    })
    .meta({ id: "ComparedCost" }),
  sessions: count.nullable().describe("Sessions that the counters name. Null if they name none."),
  sessions_without_calls: count.nullable().describe("Those of them that have no call in the ledger."),
  last_metric_at: time.nullable().describe("The last point of a counter."),
  last_call_at: time.nullable().describe("The start of the last call."),
  flagged_points: count.describe("Differences below 0, and counters that went back. The agent's numbers lack them."),
  left_out_points: count.describe(
    "Points that had no room, as often as they were sent. The agent's numbers lack them.",
  ),
  notes: z.array(z.string()).describe("What is missing, in words."),
};

export const DayCoverage = z.object({ day, ...Compared }).meta({ id: "DayCoverage" });
export const TotalCoverage = z.object(Compared).meta({ id: "TotalCoverage" });
export const Coverage = z
  .object({
    days: z.array(DayCoverage).describe("By UTC day, the latest first, then by emitter."),
    totals: z
      .array(TotalCoverage)
      .describe("The same over all days. A call that went over midnight can be in another day there than its counter."),
  })
  .meta({ id: "Coverage" });
export type Coverage = z.infer<typeof Coverage>;
export type TotalCoverage = z.infer<typeof TotalCoverage>;
