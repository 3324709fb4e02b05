/** A receipt as one reads a bill: what each line is, for how much a price is listed, and where the price came from. */
import type { components } from "../api.d.ts";
import { formatExactly, picoOf, usdOf } from "../money.ts";

export type Receipt = components["schemas"]["Receipt"];
type Line = Receipt["lines"][number];
type Bucket = Line["bucket"];
type Unit = Line["unit"];

const BUCKETS: Readonly<Record<Bucket, string>> = {
  input: "Input",
  cache_read: "Cached input, read",
  cache_write: "Cache write",
  cache_write_1h: "Cache write, kept an hour",
  cache_read_audio: "Cached audio, read",
  cache_read_image: "Cached images, read",
  input_audio: "Audio input",
  input_image: "Image input",
  output: "Output",
  reasoning: "Reasoning",
  output_audio: "Audio output",
  output_image: "Image output",
  citation: "Citations",
  request: "Fee of the call",
  web_search: "Web searches",
  file_search: "File searches",
  code_execution: "Code executions",
  audio_second: "Audio, by the second",
  character: "Characters",
  image: "Images made",
  page: "Pages",
};

/** The amount that providers list a price for. */
const LISTED: Readonly<Record<Unit, { per: bigint; words: string }>> = {
  token: { per: 1_000_000n, words: "per million tokens" },
  request: { per: 1_000n, words: "per 1,000 calls" },
  search: { per: 1_000n, words: "per 1,000 searches" },
  execution: { per: 1_000n, words: "per 1,000 executions" },
  second: { per: 3_600n, words: "per hour" },
  character: { per: 1_000_000n, words: "per million characters" },
  image: { per: 1n, words: "per image" },
  page: { per: 1_000n, words: "per 1,000 pages" },
};

const PLURALS: Readonly<Record<Unit, string>> = {
  token: "tokens",
  request: "calls",
  search: "searches",
  execution: "executions",
  second: "seconds",
  character: "characters",
  image: "images",
  page: "pages",
};

export interface BillLine {
  bucket: Bucket;
  name: string;
  quantity: number;
  /** `tokens`; `token` for one. */
  unit: string;
  /** `$2.50` and `per million tokens`. Null without a price. */
  listedUsd: string | null;
  listedPer: string;
  /** `$0.0000025 a token`, to multiply by. */
  exactly: string | null;
  unitUsd: string | null;
  costUsd: string | null;
}

export function billLine({ bucket, quantity, unit, unit_price_usd: unitUsd, cost_usd: costUsd }: Line): BillLine {
  const { per, words } = LISTED[unit];
  return {
    bucket,
    name: BUCKETS[bucket],
    quantity,
    unit: quantity === 1 ? unit : PLURALS[unit],
    listedUsd: unitUsd === null ? null : usdOf(picoOf(unitUsd) * per),
    listedPer: words,
    exactly:
      unitUsd === null
        ? null
        : `${formatExactly(unitUsd)} ${unit === "image" || unit === "execution" ? "an" : "a"} ${unit}`,
    unitUsd,
    costUsd,
  };
}

/** As price lists write it, with two decimals at least and every digit: `$2.50`, `$0.075`. */
export function formatListed(usd: string): string {
  const [whole, fraction = ""] = formatExactly(usd).split(".");
  return `${whole}.${fraction.padEnd(2, "0")}`;
}

/** What the total has beyond its lines: not "0" would be a rounding, which is a line of its own. Null without a total. */
export function restOf({ lines, total_usd: total }: Pick<Receipt, "lines" | "total_usd">): string | null {
  if (total === null) return null;
  return usdOf(lines.reduce((rest, { cost_usd: cost }) => rest - picoOf(cost ?? "0"), picoOf(total)));
}

/** Where the price came from. */
export interface PriceWords {
  isCustom: boolean;
  /** `the catalogue genai-prices`. */
  source: string;
  /** What its `price_version` is. */
  version: string;
  tier: string | null;
}

const SOURCES: readonly (readonly [prefix: string, words: Omit<PriceWords, "tier">])[] = [
  [
    "genai-prices:corrected",
    { isCustom: false, source: "The ledger’s own correction of the catalogue", version: "Catalogue" },
  ],
  ["genai-prices", { isCustom: false, source: "The catalogue genai-prices", version: "Catalogue" }],
  ["custom:factor", { isCustom: true, source: "A custom price: a factor of another price", version: "Custom price" }],
  ["custom:same_as", { isCustom: true, source: "A custom price: that of another model", version: "Custom price" }],
  ["custom", { isCustom: true, source: "A custom price", version: "Custom price" }],
];

/** The service tier follows the source. A source that is not known is shown as it is. */
export function priceWords(source: string | null): PriceWords | null {
  if (source === null) return null;
  for (const [prefix, words] of SOURCES) {
    if (source === prefix) return { ...words, tier: null };
    if (source.startsWith(`${prefix}:`)) return { ...words, tier: source.slice(prefix.length + 1) };
  }
  return { isCustom: false, source, version: "Version", tier: null };
}
