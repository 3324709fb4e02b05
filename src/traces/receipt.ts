/** Why a call costs what it costs: what lies in each price bucket, with its unit price, adding up to the cost. */
import { picoToUsd } from "../money.ts";
import { BUCKETS, type Bucket, quantities, type Unit, unitOf } from "../pricing/buckets.ts";
import type { Usage } from "../ingest/trace.ts";

/** Money in USD as decimal strings; null where no price is known. */
export interface ReceiptLine {
  bucket: Bucket;
  quantity: number;
  unit: Unit;
  unit_price_usd: string | null;
  cost_usd: string | null;
}

export interface Receipt {
  /** Buckets that hold anything, the fee of a call only where there is one; their costs add up to `total_usd` exactly. */
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
  /** Pico-USD per unit, in the order of `BUCKETS`. */
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
