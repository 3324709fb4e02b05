/** The cost that a span states: in an attribute, in a document of its own, or in the provider's metadata. */
import { floatToPico, usdToPico } from "../../../money.ts";
import { costIn, NO_COST, type ReportedCost, stated, statedUsd } from "../reported-cost.ts";
import {
  COST_CURRENCY,
  COST_DETAILS,
  COST_DOCUMENTS,
  NANO_AIU,
  PROVIDER_METADATA,
  REPORTED_COST,
} from "./attributes.ts";
import { readLangfuseCost } from "./langfuse.ts";
import { objectOrNull } from "../usage-objects/paths.ts";
import { type Attributes, type AttributeValue, documentOf, textOf } from "./span.ts";

/** GitHub bills 1e9 nano units of AI credits at $0.01. */
const PICO_PER_NANO_AIU = 10n;

/** The first cost that can be read. If there is none, the first that cannot. */
export function statedCostOf(attributes: Attributes): ReportedCost {
  let unread: ReportedCost | null = null;
  for (const read of READERS) {
    const cost = read(attributes);
    if (cost.pico !== null) return cost;
    if (cost.unread.length > 0) unread ??= cost;
  }
  return unread ?? NO_COST;
}

const READERS: readonly ((attributes: Attributes) => ReportedCost)[] = [
  ofCostDetails,
  ofAttributes,
  ofCredits,
  ofDocuments,
  ofProviderMetadata,
];

function ofCostDetails(attributes: Attributes): ReportedCost {
  const details = attributes.has(COST_DETAILS) ? documentOf(attributes, COST_DETAILS) : null;
  return details === null ? NO_COST : readLangfuseCost(details);
}

function ofAttributes(attributes: Attributes): ReportedCost {
  let found = NO_COST;
  for (const name of REPORTED_COST) {
    const value = attributes.get(name);
    if (value === undefined) continue;
    const currency = textOf(attributes, [COST_CURRENCY])?.toUpperCase() ?? "USD";
    found = stated(name, currency === "USD" ? amountOf(value) : null);
    if (found.pico !== null) break;
  }
  return found;
}

/** Some emitters send every attribute as text. A decimal there is an amount. */
function amountOf(value: AttributeValue): bigint | null {
  if (typeof value === "number") return floatToPico(value);
  if (typeof value !== "string" || value.length > 64) return null;
  return usdToPico(value) ?? (/^\d+\.\d+$/.test(value) ? floatToPico(Number(value)) : null);
}

function ofCredits(attributes: Attributes): ReportedCost {
  const value = attributes.get(NANO_AIU);
  if (value === undefined) return NO_COST;
  const isCount = Number.isSafeInteger(value)
    ? Number(value) >= 0
    : typeof value === "string" && /^\d{1,16}$/.test(value);
  return stated(NANO_AIU, isCount ? BigInt(value as string | number) * PICO_PER_NANO_AIU : null);
}

/** Documents of an emitter's own, with its cost in them. */
function ofDocuments(attributes: Attributes): ReportedCost {
  for (const [name, key] of COST_DOCUMENTS) {
    const document = attributes.has(name) ? documentOf(attributes, name) : null;
    if (document === null) continue;
    const cost = (objectOrNull(document["value"]) ?? document)[key];
    if (cost !== undefined) return statedUsd(`${name}.${key}`, cost);
  }
  return NO_COST;
}

/** The AI SDK's document: OpenRouter's `usage.cost`, xAI's `costInUsdTicks`, the Vercel AI Gateway's `cost` as text. */
function ofProviderMetadata(attributes: Attributes): ReportedCost {
  if (!attributes.has(PROVIDER_METADATA)) return NO_COST;
  const document = documentOf(attributes, PROVIDER_METADATA) ?? {};
  for (const name of Object.keys(document)) {
    const metadata = objectOrNull(document[name]);
    if (metadata === null) continue;
    const { cost, costInUsdTicks: ticks, usage } = metadata;
    if (typeof cost === "string") return stated(`${name}.cost`, amountOf(cost));
    if (cost !== undefined) return costIn({ cost });
    if (ticks !== undefined) return costIn({ cost_in_usd_ticks: ticks });
    const inUsage = costIn(objectOrNull(usage) ?? {});
    if (inUsage !== NO_COST) return inUsage;
  }
  return NO_COST;
}
