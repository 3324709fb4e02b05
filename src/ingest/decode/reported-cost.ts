/**
 * What a provider or gateway says that a call cost, in the usage object or beside it. It is kept for comparison only.
 * An amount that cannot be read as USD is left out, and its name is listed with the members that no rule reads.
 */
import { floatToPico } from "../../money.ts";
import { objectOrNull } from "./usage-objects/paths.ts";

export interface ReportedCost {
  /** Null if no cost is stated, or none that can be read. */
  pico: bigint | null;
  /** The paths of costs that cannot be read. */
  unread: readonly string[];
}

export const NO_COST: ReportedCost = { pico: null, unread: [] };

/** xAI's tick is 1e-10 USD: https://docs.x.ai/docs/models */
const PICO_PER_TICK = 100n;

/** The paths that `costIn` reads. */
export const COST_PATHS = ["cost", "cost.total_cost", "total_cost", "cost_in_usd_ticks"];

/**
 * The cost in a usage object: OpenRouter's `cost`, Perplexity's `cost.total_cost`, LangSmith's `total_cost`, xAI's
 * ticks. With a key of one's own OpenRouter bills a fee alone, and `upstream_inference_cost` is what the provider
 * bills.
 */
export function costIn(object: Readonly<Record<string, unknown>>): ReportedCost {
  const nested = objectOrNull(object["cost"]);
  const currency = nested?.["currency"] ?? object["currency"];
  if (object["cost_in_usd_ticks"] !== undefined)
    return stated("cost_in_usd_ticks", ticksOf(object["cost_in_usd_ticks"]));
  if (nested !== null) return statedUsd("cost.total_cost", nested["total_cost"], currency);
  const name = object["cost"] === undefined ? "total_cost" : "cost";
  const own = statedUsd(name, object[name], currency);
  if (own.pico === null || object["is_byok"] !== true) return own;
  const upstream = "cost_details.upstream_inference_cost";
  const other = statedUsd(upstream, objectOrNull(object["cost_details"])?.["upstream_inference_cost"], currency);
  return other.unread.length > 0 ? other : { pico: own.pico + (other.pico ?? 0n), unread: [] };
}

/** An amount of USD under a name. A text is no amount. */
export function statedUsd(name: string, value: unknown, currency: unknown = "USD"): ReportedCost {
  if (value === undefined || value === null) return NO_COST;
  const isUsd = typeof currency !== "string" || currency.toUpperCase() === "USD";
  return stated(name, isUsd && typeof value === "number" ? floatToPico(value) : null);
}

export function stated(name: string, pico: bigint | null): ReportedCost {
  return { pico, unread: pico === null ? [name] : [] };
}

function ticksOf(value: unknown): bigint | null {
  return Number.isSafeInteger(value) && (value as number) >= 0 ? BigInt(value as number) * PICO_PER_TICK : null;
}
