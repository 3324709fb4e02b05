/** How far the catalogue stands behind an entry: by what it says about it, and by prices that do not go together. */
import type { ModelInfo, ModelPrice, Provider } from "@pydantic/genai-prices";
import type { PriceConfidence } from "./price.ts";

const DOUBT =
  /upper bound|approximat|verify|estimat|\bassum|\binferred\b|trusting|can't find|couldn't|could not be read|highest (?:price|rate)|cheapest|converted to usd|seen on openrouter/i;

/** A provider's comment that names a price is about the models that have it. */
const NAMED_PRICE = /`(\w+_(?:kcount|mtok))`/;

export function confidenceIn(provider: Provider | undefined, info: ModelInfo): PriceConfidence {
  return (doubtAbout(provider, info) ?? oddityOf(info)) === null ? "exact" : "approximate";
}

/** The catalogue's own words that make a price approximate. Null if there are none. */
export function doubtAbout(provider: Provider | undefined, info: ModelInfo): string | null {
  const own = info.price_comments ?? "";
  if (DOUBT.test(own)) return own;
  const comment = provider?.price_comments ?? "";
  if (!DOUBT.test(comment)) return null;
  const named = NAMED_PRICE.exec(comment)?.[1];
  return named === undefined || JSON.stringify(info.prices).includes(named) ? comment : null;
}

/** What in an entry's prices does not go together, in words. Null if nothing. */
export function oddityOf({ prices }: ModelInfo): string | null {
  const periods = Array.isArray(prices) ? prices.map((period) => period.prices) : [prices];
  const found = periods.map(oddityIn).find((oddity) => oddity !== null);
  if (found) return found;
  const shares = new Set(periods.map(cachedShare).filter((share) => share !== null));
  return shares.size > 1 ? "the input's price changes without that of cache reads" : null;
}

function oddityIn(prices: ModelPrice): string | null {
  const [input, read, write] = ["input_mtok", "cache_read_mtok", "cache_write_mtok"].map((key) => lowest(prices, key));
  const [audio, cachedAudio] = ["input_audio_mtok", "cache_audio_read_mtok"].map((key) => lowest(prices, key));
  if (exceeds(read, input) || exceeds(cachedAudio, audio)) return "cache reads cost more than the input";
  if (exceeds(input, write)) return "cache writes cost less than the input";
  const stepped = (key: string): boolean => typeof prices[key] === "object";
  const unstepped = ["cache_read_mtok", "cache_write_mtok", "output_mtok"].find(
    (key) => prices[key] !== undefined && !stepped(key),
  );
  return stepped("input_mtok") && unstepped !== undefined ? `${unstepped} has no steps, unlike the input` : null;
}

/** The price of the shortest inputs. */
function lowest(prices: ModelPrice, key: string): number | undefined {
  const price = prices[key];
  return typeof price === "object" ? price.base : price;
}

function exceeds(a: number | undefined, b: number | undefined): boolean {
  return a !== undefined && b !== undefined && a > b;
}

/** Cache reads per price of the input. Providers round, so a tenth of it does not count. */
function cachedShare(prices: ModelPrice): number | null {
  const [read, input] = [lowest(prices, "cache_read_mtok"), lowest(prices, "input_mtok")];
  return read === undefined || !input ? null : Math.round((read / input) * 20);
}
