/**
 * The public price catalogue (the `@pydantic/genai-prices` package), read for its unit prices
 * only: which price holds at which time and input size. Amounts are whole pico-USD per token.
 */
import { calcPrice, findProvider, type ModelInfo, type ModelPrice } from "@pydantic/genai-prices";
import { unitPricePico } from "../money.ts";
import { BUCKETS, type Bucket } from "./buckets.ts";
import { digestUuid } from "../digest.ts";

export const CATALOGUE_SOURCE = "genai-prices";
/** The version of the package; a test compares it with what is installed. */
export const CATALOGUE_VERSION = "0.1.8";

/** One list of unit prices as applied to calls. Its `id` is a digest of everything in it. */
export interface Price {
  id: string;
  source: string;
  version: string;
  provider: string;
  /** The catalogue's name of the model. */
  model: string;
  /** Pico-USD per token by bucket, in the order of `BUCKETS`; null where the source has none. */
  unitPico: (bigint | null)[];
}

/** What the catalogue knows of one model: look up once, then choose by time and size. */
export interface CatalogueModel {
  provider: string;
  priceAt(endedAtMs: number, inputTokens: number): Price;
}

/** Where a bucket has no price of its own, its tokens cost what the named bucket's do. */
const SOURCES: Record<Bucket, { key: string; else?: string }> = {
  input: { key: "input_mtok" },
  cache_read: { key: "cache_read_mtok", else: "input_mtok" },
  cache_write: { key: "cache_write_mtok", else: "input_mtok" },
  cache_write_1h: { key: "cache_write_1h_mtok" },
  input_audio: { key: "input_audio_mtok" },
  output: { key: "output_mtok" },
  reasoning: { key: "output_reasoning_mtok", else: "output_mtok" },
  output_audio: { key: "output_audio_mtok" },
};

/**
 * Finds a model. A provider of `unknown` is inferred, but only from a model that the catalogue
 * names exactly (a date or version behind the name is allowed).
 *
 * @returns null when the catalogue has no such model of that provider.
 */
export function findModel(provider: string, model: string): CatalogueModel | null {
  const inferred = provider === "unknown";
  const options = inferred ? {} : { providerId: provider };
  const found = calcPrice({}, model, options);
  if (!found || (inferred && !namesExactly(found.model, model))) return null;
  // The library falls back on the model's name where it does not know the provider.
  if (!inferred && findProvider({ providerId: provider })?.id !== found.provider.id) return null;
  return catalogueModel(found.provider.id, found.model);
}

function namesExactly(info: ModelInfo, model: string): boolean {
  const name = model.toLowerCase();
  if (name === info.id) return true;
  const names: string[] = [];
  const collect = (match: ModelInfo["match"]): void => {
    if ("or" in match) match.or.forEach(collect);
    else if ("equals" in match) names.push(match.equals.toLowerCase());
    else if ("starts_with" in match) names.push(match.starts_with.toLowerCase());
  };
  collect(info.match);
  return [info.id, ...names].some(
    (known) => name.startsWith(known) && /^(?:[-@:]?v?[\d.:-]*|-latest)$/.test(name.slice(known.length)),
  );
}

function catalogueModel(provider: string, info: ModelInfo): CatalogueModel {
  const periods = (Array.isArray(info.prices) ? info.prices : [{ prices: info.prices }]).map((period) => ({
    holdsAt: holdsAt("constraint" in period ? period.constraint : undefined),
    prices: period.prices,
    steps: stepsOf(period.prices),
    bySteps: new Map<number, Price>(),
  }));
  return {
    provider,
    priceAt(endedAtMs, inputTokens) {
      const period = periods.findLast(({ holdsAt }) => holdsAt(endedAtMs)) ?? periods[0]!;
      const reached = period.steps.filter((start) => inputTokens > start).length;
      let price = period.bySteps.get(reached);
      if (!price) {
        price = priceOf(provider, info.id, period.prices, inputTokens);
        period.bySteps.set(reached, price);
      }
      return price;
    },
  };
}

type Constraint = NonNullable<Extract<ModelInfo["prices"], unknown[]>[number]["constraint"]>;

function holdsAt(constraint: Constraint | undefined): (ms: number) => boolean {
  if (!constraint) return () => true;
  if (constraint.type === "start_date") {
    const startMs = Date.parse(constraint.start_date);
    return (ms) => ms >= startMs;
  }
  const start = secondOfDay(constraint.start_time);
  const end = secondOfDay(constraint.end_time);
  return (ms) => {
    const second = (ms % 86_400_000) / 1_000;
    return end < start ? second >= start || second < end : second >= start && second < end;
  };
}

/** `"16:30:00Z"` or with an offset -> the UTC second of the day. */
function secondOfDay(time: string): number {
  return (Date.parse(`1970-01-02T${time}`) / 1_000) % 86_400;
}

/** Input sizes past which the whole call pays other prices, ascending. */
function stepsOf(prices: ModelPrice): number[] {
  const starts = Object.values(prices).flatMap((price) =>
    typeof price === "object" ? price.tiers.map((tier) => tier.start) : [],
  );
  return [...new Set(starts)].sort((a, b) => a - b);
}

function priceOf(provider: string, model: string, prices: ModelPrice, inputTokens: number): Price {
  const unitPico = BUCKETS.map((bucket) => {
    const { key, else: instead } = SOURCES[bucket];
    const price = prices[key] ?? (instead === undefined ? undefined : prices[instead]);
    if (price === undefined) return null;
    if (typeof price === "number") return unitPricePico(price, 1_000_000);
    const tier = price.tiers.findLast(({ start }) => inputTokens > start);
    return unitPricePico(tier ? tier.price : price.base, 1_000_000);
  });
  return withId({ source: CATALOGUE_SOURCE, version: CATALOGUE_VERSION, provider, model, unitPico });
}

function withId(price: Omit<Price, "id">): Price {
  const { source, version, provider, model, unitPico } = price;
  return { id: digestUuid(JSON.stringify([source, version, provider, model, unitPico.map(String)])), ...price };
}
