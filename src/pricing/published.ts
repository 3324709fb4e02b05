/** Prices of single buckets that are published, and that the catalogue lacks or has an upper bound of. */
import type { Bucket } from "../ledger/buckets.ts";

interface Published {
  provider: string;
  bucket: Bucket;
  /** As `LISTED_PER` says. */
  usd: number;
  /** The models, by the catalogue's id, that it is for. Missing means all. */
  models?: RegExp;
  source: string;
}

const XAI = "https://docs.x.ai/developers/pricing#tools-pricing";

const PUBLISHED: readonly Published[] = [
  { provider: "x-ai", bucket: "web_search", usd: 5, source: XAI },
  { provider: "x-ai", bucket: "code_execution", usd: 5, source: XAI },
  { provider: "x-ai", bucket: "file_search", usd: 2.5, source: XAI },
  // https://github.com/BerriAI/litellm/pull/19500 quotes the page for all dates of the model.
  ...(
    [
      ["gpt-4o-audio-preview", 40, 80],
      ["gpt-4o-mini-audio-preview", 10, 20],
    ] as const
  ).flatMap(([model, input, output]) =>
    [["input_audio", input] as const, ["output_audio", output] as const].map(([bucket, usd]) => ({
      provider: "openai",
      bucket,
      usd,
      models: new RegExp(`^${model}$`),
      source: "https://platform.openai.com/docs/pricing",
    })),
  ),
  // It passes Google's price of images on.
  ...(
    [
      ["gemini-2.5-flash-image", 30],
      ["gemini-3.1-flash-image-preview", 60],
      ["gemini-3-pro-image-preview", 120],
    ] as const
  ).map(([model, usd]) => ({
    provider: "openrouter",
    bucket: "output_image" as const,
    usd,
    models: new RegExp(`^google/${model.replaceAll(".", "[.]")}$`),
    source: `https://openrouter.ai/google/${model}`,
  })),
];

/** USD per as many units as `LISTED_PER` says. Null if the catalogue alone knows. */
export function publishedPrice(provider: string, model: string, bucket: Bucket): number | null {
  const found = PUBLISHED.find(
    (price) => price.provider === provider && price.bucket === bucket && price.models?.test(model) !== false,
  );
  return found?.usd ?? null;
}

const MAKES: Partial<Record<Bucket, RegExp>> = {
  output_audio: /-audio-preview|(?:^|\/)gpt-audio/,
  // Other models of OpenAI's with this name make nothing else, so that the price of their output is that of images.
  // Omni makes video.
  output_image: /(?:^|[/-])(?:gemini|gpt)-\d[\w.]*(?:-\w+)*-image|gemini-omni/,
};

/**
 * "Input (text, image, video, audio)": https://cloud.google.com/vertex-ai/generative-ai/pricing, and the comments of the
 * catalogue on Flash from 3.5 on. https://github.com/BerriAI/litellm/pull/37661
 */
const ONE_INPUT_PRICE =
  /^(?:regional\/)?gemini-(?:2[.]5-pro|3(?:[.]1)?-pro-preview|3[.][5-8]-flash(?:-lite)?|2[.]0-flash-lite)$/;

/** Models of one price for two buckets, of which the catalogue has one. */
const PRICED_AS: readonly { bucket: Bucket; as: Bucket; models: RegExp }[] = [
  { bucket: "input_audio", as: "input", models: ONE_INPUT_PRICE },
  { bucket: "cache_read_audio", as: "cache_read", models: ONE_INPUT_PRICE },
  // They make nothing but speech: https://ai.google.dev/gemini-api/docs/pricing,
  // https://developers.openai.com/api/docs/models/gpt-4o-mini-tts
  { bucket: "output_audio", as: "output", models: /-tts$/ },
];

/** The bucket whose price holds for this one, too. */
export function pricedAs(provider: string, model: string, bucket: Bucket): Bucket | null {
  if (provider !== "google" && provider !== "openai") return null;
  return PRICED_AS.find((price) => price.bucket === bucket && price.models.test(model))?.as ?? null;
}

/** Models of transcription, whose input is audio and some text. */
const HEARS = /-transcribe/;

/** True if a model is named for audio that it hears, at another price than text. */
export function hears(model: string): boolean {
  return HEARS.test(model);
}

/** True if a model is named for making audio or images beside text, which never cost the same. */
export function makes(model: string, bucket: Bucket): boolean {
  return MAKES[bucket]?.test(model) === true;
}

/** Perplexity's fee for a request, by the part of the tier that tells how much context its search brought. */
const SEARCH_CONTEXT: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  // https://docs.perplexity.ai/docs/getting-started/pricing
  sonar: { "search-low": 5, "search-medium": 8, "search-high": 12 },
  "sonar-reasoning": { "search-low": 5, "search-medium": 8, "search-high": 12 },
  "sonar-pro": { "search-low": 6, "search-medium": 10, "search-high": 14 },
  "sonar-reasoning-pro": { "search-low": 6, "search-medium": 10, "search-high": 14 },
};

/** The fee for a request at a tier. Null if the tier says nothing about it. */
export function requestFeeAt(provider: string, model: string, tier: string): number | null {
  if (provider !== "perplexity" || !Object.hasOwn(SEARCH_CONTEXT, model)) return null;
  const fees = SEARCH_CONTEXT[model]!;
  for (const part of tier.split("+")) if (Object.hasOwn(fees, part)) return fees[part]!;
  return null;
}
