/** The receipt of a call: the quantity of each price bucket and its unit price. The lines add up to the cost. */
import { picoToUsd } from "../money.ts";
import { z } from "zod";
import { BUCKETS, quantities, UNITS, unitOf } from "../ledger/buckets.ts";
import type { Usage } from "../ledger/call.ts";
import { usd, usdDifference } from "../wire.ts";

/** Money is null if no price is known. */
export const ReceiptLine = z.object({
  bucket: z.enum(BUCKETS),
  quantity: z.int(),
  unit: z.enum(UNITS),
  unit_price_usd: usd.nullable(),
  cost_usd: usdDifference.nullable(),
});
export type ReceiptLine = z.infer<typeof ReceiptLine>;

export const Receipt = z
  .object({
    lines: z
      .array(ReceiptLine)
      .describe(
        "The price buckets that hold anything, and the fee of the call if it has one. The costs add up to `total_usd`.",
      ),
    total_usd: usd.nullable(),
    price_source: z.string().nullable(),
    price_version: z.string().nullable(),
    price_provider: z.string().nullable().describe("The provider whose price was used."),
    price_model: z.string().nullable(),
    usage_semantics: z.string().describe("How the token counts were read."),
  })
  .meta({ id: "Receipt" });
export type Receipt = z.infer<typeof Receipt>;

export interface AppliedPrice {
  source: string;
  version: string;
  provider: string;
  model: string;
  /** Pico-USD per unit, in the order of `BUCKETS`. */
  unitPico: (bigint | null)[];
}

/** @param costPico the stored cost of the call; null for an unpriced call. */
export function receiptOf(
  usage: Usage,
  price: AppliedPrice | null,
  costPico: bigint | null,
  usageSemantics: string,
): Receipt {
  const lines: ReceiptLine[] = [];
  for (const [i, quantity] of quantities(usage).entries()) {
    const bucket = BUCKETS[i]!;
    const unit = price?.unitPico[i] ?? null;
    if (quantity === 0 || (bucket === "request" && unit === null)) continue;
    lines.push({
      bucket,
      quantity,
      unit: unitOf(bucket),
      unit_price_usd: unit === null ? null : picoToUsd(unit),
      cost_usd: unit === null ? null : picoToUsd(BigInt(quantity) * unit),
    });
  }
  return {
    lines,
    total_usd: costPico === null ? null : picoToUsd(costPico),
    price_source: price?.source ?? null,
    price_version: price?.version ?? null,
    price_provider: price?.provider ?? null,
    price_model: price?.model ?? null,
    usage_semantics: usageSemantics,
  };
}
