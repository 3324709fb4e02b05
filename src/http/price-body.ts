/** The body of `POST /v1/prices`: what a custom price may say, and what is refused with which words. */
import { z } from "zod";
import { ApiError } from "../errors.ts";
import type { Caller } from "../keyring.ts";
import { type Bucket, FEE_BUCKETS, TOKEN_BUCKETS } from "../ledger/buckets.ts";
import { MAX_TEXT, MAX_TOKENS } from "../ledger/call.ts";
import { type NewPrice, saidPer, type UnitPico } from "../pricing/custom-price-row.ts";
import { type Pattern, readPattern } from "../pricing/custom-price.ts";
import { canonicalProvider } from "../pricing/provider.ts";
import { picoPerUnit, rounded } from "../pricing/ratio.ts";
import { canonicalTier } from "../pricing/service-tier.ts";
import { instant } from "./body.ts";

const MAX_ALIASES = 20;
const MAX_STEPS = 20;
const MAX_MULTIPLIERS = 20;

const text = z.string().min(1).max(MAX_TEXT);
const name = text.refine(
  (value) => !value.slice(1, -1).includes("*") && !(value.length > 1 && value.startsWith("*") && value.endsWith("*")),
  "may have one *, at its start or at its end",
);
/** A price per million has six decimals, one per thousand nine: then a unit costs whole pico-USD. */
const usd = (decimals: number) =>
  z
    .string("must be a decimal string")
    .regex(
      new RegExp(String.raw`^\d{1,9}(?:\.\d{1,${decimals}})?$`),
      `must be a decimal of USD, not negative, with at most 9 digits and ${decimals} decimals`,
    );
const factor = z
  .string("must be a decimal string")
  .regex(/^\d{1,6}(?:\.\d{1,9})?$/, "must be a decimal with at most 6 digits and 9 decimals")
  .refine((value) => /[1-9]/.test(value), "must be more than 0");

/** Unit prices by price bucket. At least one is required. */
function unitPrices<B extends Bucket>(buckets: readonly B[], decimals: number) {
  const shape = Object.fromEntries(buckets.map((bucket) => [bucket, usd(decimals).optional()]));
  return z
    .strictObject(shape as Record<B, z.ZodOptional<z.ZodString>>)
    .refine((units) => Object.values(units).some((unit) => unit !== undefined), "must name at least one price");
}

const tokenPrices = unitPrices(TOKEN_BUCKETS, 6);

const step = z.strictObject({
  above_input_tokens: z.int().min(1).max(MAX_TOKENS).describe("The price is for calls with more input tokens."),
  usd_per_million_tokens: tokenPrices.describe("A price that is left out stays what it is below the step."),
});
const steps = z
  .array(step)
  .min(1)
  .max(MAX_STEPS)
  .refine(
    (list) => new Set(list.map(({ above_input_tokens: above }) => above)).size === list.length,
    "must not have two steps of the same above_input_tokens",
  );

/** A tier in lower case, as calls have it; null where a name means the standard price, or several tiers. */
function partOf(sent: string): string | null {
  const part = canonicalTier(sent);
  return part === null || part.includes("+") ? null : part;
}

const multipliers = z
  .record(text, factor)
  .refine((map) => Object.keys(map).length > 0, "must name at least one multiplier")
  .refine((map) => Object.keys(map).length <= MAX_MULTIPLIERS, `may have at most ${MAX_MULTIPLIERS} multipliers`)
  .refine(
    (map) => Object.keys(map).every((sent) => partOf(sent) !== null),
    "must have one part of a tier as each key, and none that means the standard price",
  );
const bothMultipliers = z
  .strictObject({
    service_tier: multipliers.optional().describe('By tier or speed, as in `{"priority": "1.75"}`.'),
    inference_geo: multipliers.optional().describe('By place, as in `{"us": "1.1"}`.'),
  })
  .refine((both) => both.service_tier || both.inference_geo, "must have service_tier or inference_geo")
  .refine(({ service_tier: tiers = {}, inference_geo: places = {} }) => {
    const parts = [...Object.keys(tiers), ...Object.keys(places)].map(partOf);
    return new Set(parts).size === parts.length;
  }, "must not have two multipliers of the same tier or place");

export const PriceBody = z
  .strictObject({
    project_id: z.uuid().nullish(),
    provider: text.nullish().describe("By any of its names. Without it, the price covers every provider."),
    model: name.describe("The whole name, or a pattern: `acme-*` is what begins so, `*:free` what ends so."),
    match: z.enum(["exact", "prefix", "suffix"]).nullish().describe("What `model` is without a `*`."),
    aliases: z.array(name).max(MAX_ALIASES).nullish().describe("More names and patterns that the price covers."),
    service_tier: z.string().max(MAX_TEXT).nullish(),
    starts_at: instant,
    ends_at: instant.nullish(),
    usd_per_million_tokens: tokenPrices.nullish().describe("0 means free."),
    usd_per_thousand: unitPrices(FEE_BUCKETS, 9)
      .nullish()
      .describe(
        "Per thousand requests, searches, executions, seconds, characters, images or pages. Beside `factor` or `same_as`, these fees stand in place of the ones there, as they are.",
      ),
    steps: steps
      .nullish()
      .describe("Long context: prices above a number of input tokens. The step that is reached holds for all tokens."),
    factor: factor.nullish(),
    multipliers: bothMultipliers
      .nullish()
      .describe("Multiply the prices of tokens. They go before the multipliers that providers publish."),
    same_as: z.strictObject({ provider: text, model: text }).nullish(),
  })
  .superRefine((price, context) => {
    const refuse = (field: string, message: string) =>
      context.addIssue({ code: "custom", path: [field], message, input: price });
    const { model, match, ends_at: endsAt, usd_per_million_tokens: tokens, usd_per_thousand: fees } = price;
    const fromElsewhere = price.factor || price.same_as;
    if (match === "exact" && model.includes("*")) refuse("model", "must not have a * if match is exact");
    if (match === "prefix" && model.length > 1 && model.startsWith("*"))
      refuse("match", "must be suffix for this model");
    if (match === "suffix" && model.endsWith("*")) refuse("match", "must be prefix for this model");
    if (typeof endsAt === "number" && endsAt <= price.starts_at) refuse("ends_at", "must be after starts_at");
    if (!tokens && !fees && !fromElsewhere && !price.multipliers)
      refuse("usd_per_million_tokens", "is required without usd_per_thousand, factor, same_as and multipliers");
    if (tokens && price.factor) refuse("factor", "cannot be combined with usd_per_million_tokens");
    if (tokens && price.same_as) refuse("same_as", "cannot be combined with usd_per_million_tokens");
    if (price.steps && !tokens) refuse("steps", "needs usd_per_million_tokens, the prices below the steps");
    if (price.multipliers && canonicalTier(price.service_tier ?? null) !== null)
      refuse("multipliers", "cannot be combined with service_tier: a price for a tier already includes it");
    if (price.multipliers && fees && !tokens && !fromElsewhere)
      refuse("multipliers", "multiply prices of tokens, and this price has none");
  });

export const PRICE_EXAMPLES = [
  {
    model: "our-model",
    aliases: ["our-model-eu", "our-model-20*"],
    starts_at: "2026-01-01",
    usd_per_million_tokens: { input: "2.5", output: "10" },
    steps: [{ above_input_tokens: 200_000, usd_per_million_tokens: { input: "5", output: "15" } }],
  },
  {
    provider: "azure",
    model: "our-gpt-*",
    starts_at: "2026-01-01",
    same_as: { provider: "openai", model: "gpt-4o" },
    factor: "0.9",
    usd_per_thousand: { request: "0.5" },
    multipliers: { service_tier: { priority: "1.7" }, inference_geo: { eu: "1.1" } },
  },
  { model: "*:free", starts_at: "2026-01-01", usd_per_million_tokens: { input: "0", output: "0" } },
];

/** The price that a body asks for. */
export function newPrice(asked: z.infer<typeof PriceBody>): NewPrice {
  const { provider, same_as: sameAs, usd_per_million_tokens: tokens, usd_per_thousand: fees } = asked;
  return {
    ...modelOf(asked),
    provider: provider ? canonicalProvider(provider) : null,
    aliases: (asked.aliases ?? []).map(readPattern),
    serviceTier: canonicalTier(asked.service_tier ?? null),
    startsAtMs: asked.starts_at,
    endsAtMs: asked.ends_at ?? null,
    unitPico: tokens || fees ? { ...unitPico(tokens ?? {}), ...unitPico(fees ?? {}) } : null,
    steps: (asked.steps ?? [])
      .map((at) => ({ above: at.above_input_tokens, unitPico: unitPico(at.usd_per_million_tokens) }))
      .sort((a, b) => a.above - b.above),
    factor: asked.factor ?? null,
    multipliers: asked.multipliers ? canonicalMultipliers(asked.multipliers) : null,
    sameAs: sameAs ? { provider: canonicalProvider(sameAs.provider), model: sameAs.model } : null,
  };
}

function modelOf({ model, match }: z.infer<typeof PriceBody>): Pattern {
  const read = readPattern(model);
  return match && read.match === "exact" ? { model, match } : read;
}

function canonicalMultipliers(both: z.infer<typeof bothMultipliers>): NonNullable<NewPrice["multipliers"]> {
  const canonical = (map: Record<string, string>) =>
    Object.fromEntries(Object.entries(map).map(([sent, by]) => [partOf(sent)!, by]));
  return {
    ...(both.service_tier && { service_tier: canonical(both.service_tier) }),
    ...(both.inference_geo && { inference_geo: canonical(both.inference_geo) }),
  };
}

/** USD per million tokens or per thousand units -> pico-USD per unit, exact for the decimals that a body may have. */
function unitPico(units: Partial<Record<Bucket, string | undefined>>): UnitPico {
  return Object.fromEntries(
    Object.entries(units).flatMap(([bucket, said]) =>
      said === undefined ? [] : [[bucket, rounded(picoPerUnit(said, Number(saidPer(bucket as Bucket))))] as const],
    ),
  );
}

/**
 * The project that the price is for; null for every project. An API key adds prices to its own project only. With the
 * admin key there is no caller, and the body names the project.
 */
export function ownerOf(asked: string | null | undefined, caller: Caller | undefined): string | null {
  if (!caller) {
    if (asked === undefined)
      throw new ApiError("invalid_body", "project_id: is required with the admin key; null stands for every project");
    return asked;
  }
  if (asked !== undefined && asked !== caller.projectId)
    throw new ApiError("forbidden", "project_id: an API key adds prices to its own project only");
  return caller.projectId;
}
