/** The receipt of a call: the quantity of each price bucket and its unit price. The lines add up to the cost. */
import { picoToUsd } from "../money.ts";
import { z } from "zod";
import { BUCKETS, quantities, UNITS, unitOf } from "../ledger/buckets.ts";
import type { PriceOrigin } from "../pricing/origin.ts";
import { PRICE_CONFIDENCES } from "../pricing/price.ts";
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
    price_source: z
      .string()
      .nullable()
      .describe(
        "`genai-prices` is the catalogue, `genai-prices:corrected` the ledger's own correction of it, `custom` a custom price with unit prices, `custom:factor` and `custom:same_as` one that changes another price. A service tier follows. Null without a price.",
      ),
    price_version: z.string().nullable().describe("The catalogue's version, or the id of the custom price."),
    price_provider: z.string().nullable().describe("The provider whose price was used."),
    price_model: z
      .string()
      .nullable()
      .describe("The catalogue's id of the model, or the name that the custom price covers."),
    price_confidence: z
      .enum(PRICE_CONFIDENCES)
      .nullable()
      .describe(
        "`approximate` if the catalogue in use calls the entry an upper bound, an estimate or to be verified. Null without a price, or if the catalogue does not have the entry any more.",
      ),
    price_confidence_reason: z
      .string()
      .nullable()
      .describe("Why the price is not exact, in the catalogue's own words."),
    price_correction: z
      .object({
        source: z.string().describe("Where the provider publishes the price."),
        from: z.string().nullable().describe("When the price began to hold. Null if it always did."),
      })
      .nullable()
      .describe("The correction that replaced the catalogue's price."),
    usage_semantics: z
      .string()
      .describe("Which document or attributes decided the usage, how its counts were read, and what is wrong with it."),
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
  origin: PriceOrigin;
}

/** @param totalUsd the stored cost of the call; null for an unpriced call. */
export function receiptOf(
  usage: Usage,
  price: AppliedPrice | null,
  totalUsd: string | null,
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
    total_usd: totalUsd,
    price_source: price?.source ?? null,
    price_version: price?.version ?? null,
    price_provider: price?.provider ?? null,
    price_model: price?.model ?? null,
    price_confidence: price?.origin.confidence ?? null,
    price_confidence_reason: price?.origin.reason ?? null,
    price_correction: price?.origin.correction ?? null,
    usage_semantics: usageSemantics,
  };
}
