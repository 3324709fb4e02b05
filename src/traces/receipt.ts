/** Why a call costs what it costs: its tokens by price bucket, each with its unit price, adding up to the cost. */
import { picoToUsd } from "../money.ts";
import { BUCKETS, type Bucket, tokensByBucket } from "../pricing/buckets.ts";
import type { Usage } from "../ingest/trace.ts";

/** Money in USD as decimal strings; null where no price is known. */
export interface ReceiptLine {
  bucket: Bucket;
  quantity: number;
  unit: "token";
  unit_price_usd: string | null;
  cost_usd: string | null;
}

export interface Receipt {
  /** Buckets that hold tokens; their costs add up to `total_usd` exactly. */
  lines: ReceiptLine[];
  total_usd: string | null;
  price_source: string | null;
  price_version: string | null;
  /** The provider and model whose price it is. */
  price_provider: string | null;
  price_model: string | null;
  usage_semantics: string;
}

export interface AppliedPrice {
  source: string;
  version: string;
  provider: string;
  model: string;
  /** Pico-USD per token, in the order of `BUCKETS`. */
  unitPico: (bigint | null)[];
}

/** @param costPico what is stored as the call's cost; null for an unpriced call. */
export function receiptOf(
  usage: Usage,
  price: AppliedPrice | null,
  costPico: bigint | null,
  usageSemantics: string,
): Receipt {
  const lines: ReceiptLine[] = [];
  for (const [i, quantity] of tokensByBucket(usage).entries()) {
    if (quantity === 0) continue;
    const unit = price?.unitPico[i] ?? null;
    lines.push({
      bucket: BUCKETS[i]!,
      quantity,
      unit: "token",
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
