/** One model of the catalogue: which of its prices holds at which time and input size. */
import type { ModelInfo, ModelPrice } from "@pydantic/genai-prices";
import { BUCKETS, CONTENTS, LISTED_PER, type Bucket, isFee, unitOf } from "../ledger/buckets.ts";
import { unitPricePico } from "../money.ts";
import type { Correction, Usd } from "./correction.ts";
import { makes, pricedAs, publishedPrice } from "./published.ts";
import { type ListPrice, type Price, type PriceConfidence, withId } from "./price.ts";

export const CATALOGUE_SOURCE = "genai-prices";
/** Prices that our own table sets instead. */
export const CORRECTED_SOURCE = "genai-prices:corrected";

/** A model that was looked up. It is asked for its price by time and input size. */
export interface CatalogueModel {
  provider: string;
  /** The catalogue's id. */
  model: string;
  confidence: PriceConfidence;
  priceAt(endedAtMs: number, inputTokens: number): ListPrice;
}

/** What a model is built from. */
export interface Entry {
  provider: string;
  version: string;
  info: ModelInfo;
  correction: Correction | null;
  confidence: PriceConfidence;
  /** True if a missing price means that the model costs nothing. */
  free: boolean;
  /** True if the entry is its maker's. The host's tools have prices of their own. */
  hosted: boolean;
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
  cache_read_audio: "cache_audio_read_mtok",
  cache_read_image: "cache_image_read_mtok",
  citation: "output_citation_mtok",
  request: "requests_kcount",
  web_search: "web_searches_kcount",
  file_search: "storage_searches_kcount",
  code_execution: "code_executions_kcount",
  audio_second: "audio_hours",
  character: "input_mcharacters",
  image: "output_images",
  page: "input_document_kpages",
};

interface Period {
  startMs: number;
  holdsAt(ms: number): boolean;
  source: string;
  prices: ModelPrice;
}

export function catalogueModel(entry: Entry): CatalogueModel {
  const { provider, version, info, confidence, free } = entry;
  const periods = periodsOf(entry).map((period) => ({
    ...period,
    steps: stepsOf(period.prices),
    bySteps: new Map<number, ListPrice>(),
  }));
  return {
    provider,
    model: info.id,
    confidence,
    priceAt(endedAtMs, inputTokens) {
      const period =
        periods.findLast(({ startMs, holdsAt }) => startMs <= endedAtMs && holdsAt(endedAtMs)) ?? periods[0]!;
      const reached = period.steps.filter((start) => inputTokens > start).length;
      let price = period.bySteps.get(reached);
      if (!price) {
        const origin = { source: period.source, version, provider, model: info.id };
        const listedUsd = listed(period.prices, inputTokens, entry);
        price = {
          ...withId({ ...origin, unitPico: inPico(listedUsd) }),
          confidence,
          listedUsd,
          zeroIsFree: free,
          isLong: reached > 0,
        };
        period.bySteps.set(reached, price);
      }
      return price;
    },
  };
}

const ALWAYS = Number.NEGATIVE_INFINITY;

/** The periods of an entry. The last that holds decides. */
function periodsOf({ info, correction }: Entry): Period[] {
  const own = (correction?.periods ?? []).map(({ from, hours, weekdays, usd }) => ({
    startMs: from === undefined ? ALWAYS : Date.parse(from),
    holdsAt: within(
      hours?.map(([start, end]) => [start * 3_600, end * 3_600] as const),
      weekdays,
    ),
    source: CORRECTED_SOURCE,
    prices: asListed(usd),
  }));
  const corrected = own.length === 0 ? ALWAYS : Math.max(...own.map(({ startMs }) => startMs));
  // A correction without a date holds until the catalogue dates a price.
  const listed = cataloguePeriods(info).filter(({ startMs }) => own.length === 0 || startMs > corrected);
  return [...own, ...listed];
}

/** Hours of the day that are listed after a date hold from that date on only. */
function cataloguePeriods({ prices }: ModelInfo): Period[] {
  if (!Array.isArray(prices)) return [{ startMs: ALWAYS, holdsAt: () => true, source: CATALOGUE_SOURCE, prices }];
  let startMs = ALWAYS;
  return prices.map(({ constraint, prices }) => {
    if (constraint?.type === "start_date") startMs = Date.parse(constraint.start_date);
    const hours =
      constraint?.type === "time_of_date"
        ? [[secondOfDay(constraint.start_time), secondOfDay(constraint.end_time)] as const]
        : undefined;
    return { startMs, holdsAt: within(hours), source: CATALOGUE_SOURCE, prices };
  });
}

/** Tells whether an instant lies in seconds of the UTC day, which may go over midnight. */
function within(seconds?: readonly (readonly [number, number])[], weekdays?: true): (ms: number) => boolean {
  if (seconds === undefined) return () => true;
  return (ms) => {
    const second = (ms % 86_400_000) / 1_000;
    const day = new Date(ms).getUTCDay();
    if (weekdays && (day === 0 || day === 6)) return false;
    return seconds.some(([start, end]) =>
      end < start ? second >= start || second < end : second >= start && second < end,
    );
  };
}

/** `"16:30:00Z"` or with an offset -> the UTC second of the day. */
function secondOfDay(time: string): number {
  return (Date.parse(`1970-01-02T${time}`) / 1_000) % 86_400;
}

function asListed(usd: Usd): ModelPrice {
  return Object.fromEntries(Object.entries(usd).map(([bucket, price]) => [KEYS[bucket as Bucket], price]));
}

/** The input sizes above which other prices hold for the whole call, ascending. */
function stepsOf(prices: ModelPrice): number[] {
  const starts = Object.values(prices).flatMap((price) =>
    typeof price === "object" ? price.tiers.map((tier) => tier.start) : [],
  );
  return [...new Set(starts)].sort((a, b) => a - b);
}

/**
 * The hosts of Claude that the catalogue gives no price of an hour's cache for. Anthropic's rule is 2 x input there,
 * too.
 */
const CLAUDE_HOSTS = new Set(["aws", "google", "openrouter"]);

function listed(prices: ModelPrice, inputTokens: number, { provider, info, free, hosted }: Entry): (number | null)[] {
  const at = (bucket: Bucket): number | null => {
    const price = prices[KEYS[bucket]];
    if (price === undefined || typeof price === "number") return price ?? null;
    return price.tiers.findLast(({ start }) => inputTokens > start)?.price ?? price.base;
  };
  const input = at("input");
  const isClaude = CLAUDE_HOSTS.has(provider) && info.id.includes("claude") && at("cache_write") !== null;
  const usdOf = (bucket: Bucket): number | null => {
    const own = (hosted && isFee(bucket) ? null : at(bucket)) ?? publishedPrice(provider, info.id, bucket);
    if (own !== null) return own;
    const as = pricedAs(provider, info.id, bucket);
    if (as !== null) return usdOf(as);
    if (makes(info.id, bucket)) return null;
    if (bucket === "cache_write_1h" && isClaude && input !== null) return Number((input * 2).toFixed(9));
    // What is cached at no price of its own costs as if it were not.
    if (bucket === "cache_read_image" && at("cache_read") === null) return usdOf("input_image");
    const { instead } = CONTENTS[bucket];
    if (instead !== undefined) return usdOf(instead);
    return free && !isFee(bucket) ? 0 : null;
  };
  return BUCKETS.map(usdOf);
}

function inPico(listedUsd: readonly (number | null)[]): Price["unitPico"] {
  return listedUsd.map((usd, i) => (usd === null ? null : unitPricePico(usd, LISTED_PER[unitOf(BUCKETS[i]!)])));
}
