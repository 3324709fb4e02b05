/** The form of the cross-check on the wire. */
import { z } from "zod";
import { count, day, id, time, usd, usdDifference } from "../wire.ts";

const tokens = count.nullable();
const TOKENS = {
  input_tokens: tokens.describe("With cached tokens."),
  output_tokens: tokens.describe("With reasoning."),
  total_tokens: tokens.describe("Input and output."),
  cache_read_tokens: tokens,
  cache_write_tokens: tokens,
  reasoning_tokens: tokens,
};

const Claimed = z
  .object({
    ...TOKENS,
    cost_usd: usd.nullable(),
    sessions: count.nullable().describe("Sessions that the counters name. Null if they name none."),
    last_at: time.nullable().describe("The last point of a counter."),
    flagged_points: count.describe("Differences below 0, and counters that went back. The numbers lack them."),
    left_out_points: count.describe("Points that had no room, as often as they were sent. The numbers lack them."),
  })
  .meta({ id: "ClaimedUsage" });

const InLedger = z
  .object({
    requests: count.describe("Calls of the emitter."),
    ...TOKENS,
    cost_usd: usd.nullable().describe("By the ledger's prices. Null if there are calls and none has a price."),
    reported_cost_usd: usd.nullable().describe("What the calls were reported to cost."),
    last_at: time.nullable().describe("The start of the last call."),
  })
  .meta({ id: "LedgerUsage" });

const difference = z.int().nullable();
const Missing = z
  .object({
    input_tokens: difference,
    output_tokens: difference,
    total_tokens: difference,
    cache_read_tokens: difference,
    cache_write_tokens: difference,
    reasoning_tokens: difference,
    cost_usd: usdDifference.nullable(),
    sessions: count.nullable().describe("Sessions with counters that have no call in the ledger."),
  })
  .meta({ id: "MissingUsage" });

const Compared = {
  emitter: z
    .string()
    .describe(
      "The agent. `otel` are the counters `gen_ai.client.inference.usage.*` of any other program, `otel-token-usage` its `gen_ai.client.token.usage`.",
    ),
  application: z.string().nullable().describe("The program, if the emitter is no agent."),
  claimed: Claimed.describe("What the emitter's own counters say. Null is what they do not count."),
  ledger: InLedger.describe("What the ledger has of it. Null is what no call states."),
  missing: Missing.describe(
    "What is claimed less what the ledger has, below 0 if the ledger has more. Null if it is not claimed.",
  ),
  share_percent: z
    .number()
    .min(0)
    .nullable()
    .describe(
      "What the ledger has of the tokens that are claimed, in percent, cut to two decimals. It is 100 only if both are equal. Null if none are claimed.",
    ),
  notes: z.array(z.string()).describe("What is missing, in words."),
};

const Row = z.object({ day, ...Compared }).meta({ id: "CoverageRow" });
const Total = z.object(Compared).meta({ id: "CoverageTotal" });
export type CoverageTotal = z.infer<typeof Total>;

const Silent = z
  .object({
    emitter: Compared.emitter,
    application: Compared.application,
    installation: id
      .nullable()
      .describe("A digest of the machine, as its counters name it. Null is the emitter on all machines."),
    last_at: time.describe("When it was last seen."),
  })
  .meta({ id: "SilentEmitter" });
export type Silent = z.infer<typeof Silent>;

export const Coverage = z
  .object({
    rows: z.array(Row).describe("By UTC day, the latest first, then by emitter."),
    totals: z
      .array(Total)
      .describe("The same over all days. A call that went over midnight can be in another day there than its counter."),
    silent: z
      .array(Silent)
      .describe(
        "What was seen in the range, but not in its last 24 hours: emitters and machines, at most 100, the last seen first.",
      ),
  })
  .meta({ id: "Coverage" });
export type Coverage = z.infer<typeof Coverage>;
