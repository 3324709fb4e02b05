/**
 * The public price catalogue, which is the package `@pydantic/genai-prices`. Only its unit prices are used: which price
 * holds at which time and input size. Amounts are whole pico-USD per unit.
 */
import { calcPrice, findProvider, type ModelInfo, type ModelPrice } from "@pydantic/genai-prices";
import { unitPricePico } from "../money.ts";
import { BUCKETS, CONTENTS, LISTED_PER, type Bucket, unitOf } from "../ledger/buckets.ts";
import { digestUuid } from "../digest.ts";

export const CATALOGUE_SOURCE = "genai-prices";
/** The version of the package. A test compares it with the installed one. */
export const CATALOGUE_VERSION = "0.1.8";

/** One list of unit prices as applied to calls. Its `id` is a digest of all its other fields. */
export interface Price {
  id: string;
  source: string;
  version: string;
  provider: string;
  /** The catalogue's name for the model. */
  model: string;
  /** Pico-USD per unit by bucket, in the order of `BUCKETS`. Null if the source has no price for the bucket. */
  unitPico: (bigint | null)[];
}

/** A price of the catalogue, together with the amounts that the catalogue lists. */
export interface ListPrice extends Price {
  /** USD per `LISTED_PER` units by bucket, before any rounding. */
  listedUsd: (number | null)[];
}

/** One model of the catalogue. It is looked up once, and then asked for its price by time and input size. */
export interface CatalogueModel {
  provider: string;
  priceAt(endedAtMs: number, inputTokens: number): ListPrice;
}

/** The catalogue's name for the price of each bucket. */
const KEYS: Record<Bucket, string> = {
  input: "input_mtok",
  cache_read: "cache_read_mtok",
  cache_write: "cache_write_mtok",
  cache_write_1h: "cache_write_1h_mtok",
  input_audio: "input_audio_mtok",
  output: "output_mtok",
  reasoning: "output_reasoning_mtok",
  output_audio: "output_audio_mtok",
  input_image: "input_image_mtok",
  output_image: "output_image_mtok",
  request: "requests_kcount",
  web_search: "web_searches_kcount",
};

/** Providers that make models. The library infers only some of their models by name, so these are asked one by one. */
const MAKERS = ["openai", "anthropic", "google", "mistral", "cohere", "x-ai", "deepseek"];

/**
 * Finds a model. If the provider is `unknown`, it is inferred, but only from a model that the catalogue names exactly. A
 * date or version after the name is allowed. A maker's name before the model, as gateways write it, is understood.
 *
 * @returns null if the catalogue has no such model of that provider.
 */
export function findModel(provider: string, model: string): CatalogueModel | null {
  const [maker, rest] = model.split(/\/(.*)/s, 2) as [string, string?];
  if (rest && (maker === provider || (provider === "unknown" && MAKERS.includes(maker)))) return findModel(maker, rest);
  if (provider === "unknown") return inferModel(model);
  const found = calcPrice({}, model, { providerId: provider });
  // If the library does not know the provider, it falls back on the model's name.
  if (!found || findProvider({ providerId: provider })?.id !== found.provider.id) return null;
  return catalogueModel(found.provider.id, found.model);
}

function inferModel(model: string): CatalogueModel | null {
  const found = [undefined, ...MAKERS]
    .map((providerId) => calcPrice({}, model, providerId === undefined ? {} : { providerId }))
    .find((price) => price && namesExactly(price.model, model));
  return found ? catalogueModel(found.provider.id, found.model) : null;
}

/** Finds a model in the catalogue. Null if it is not there. */
export type LookUp = (provider: string, model: string) => CatalogueModel | null;

const MEMO_SIZE = 10_000;

/** `findModel` that looks each model up once. */
export function createLookUp(): LookUp {
  const models = new Map<string, CatalogueModel | null>();
  return (provider, model) => {
    const key = `${provider}\n${model}`;
    let found = models.get(key);
    if (found === undefined) {
      found = findModel(provider, model);
      if (models.size >= MEMO_SIZE) models.clear();
      models.set(key, found);
    }
    return found;
  };
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
    bySteps: new Map<number, ListPrice>(),
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

/** The input sizes above which other prices hold for the whole call, ascending. */
function stepsOf(prices: ModelPrice): number[] {
  const starts = Object.values(prices).flatMap((price) =>
    typeof price === "object" ? price.tiers.map((tier) => tier.start) : [],
  );
  return [...new Set(starts)].sort((a, b) => a - b);
}

function priceOf(provider: string, model: string, prices: ModelPrice, inputTokens: number): ListPrice {
  const listedUsd = BUCKETS.map((bucket) => {
    const instead = CONTENTS[bucket].instead;
    const price = prices[KEYS[bucket]] ?? (instead === undefined ? undefined : prices[KEYS[instead]]);
    if (price === undefined || typeof price === "number") return price ?? null;
    return price.tiers.findLast(({ start }) => inputTokens > start)?.price ?? price.base;
  });
  const unitPico = listedUsd.map((usd, i) =>
    usd === null ? null : unitPricePico(usd, LISTED_PER[unitOf(BUCKETS[i]!)]),
  );
  const price = withId({ source: CATALOGUE_SOURCE, version: CATALOGUE_VERSION, provider, model, unitPico });
  return { ...price, listedUsd };
}

/** Gives a price its id, the digest of all its other fields. */
export function withId(price: Omit<Price, "id">): Price {
  const { source, version, provider, model, unitPico } = price;
  return { id: digestUuid(JSON.stringify([source, version, provider, model, unitPico.map(String)])), ...price };
}
