/**
 * The native form, described. `native.ts` decodes by hand, as it is the hot path; a test holds the two together in both
 * directions. What JSON Schema cannot say is told there alone: half surrogate pairs, days that are in no calendar, counts
 * that contradict each other, those within the provider's own usage object, nesting, and that lengths are in UTF-16 units.
 */
import { z } from "zod";
import { MAX_COST_PICO } from "../../money.ts";
import { RFC3339 } from "../../time.ts";
import { CHARACTER } from "../../wire.ts";
import { COUNT_FIELDS, COUNT_NAMES, MAX_TEXT, MAX_TOKENS, type Usage } from "../trace.ts";
import { MAX_DURATION_MS } from "./native.ts";
import { MAX_KEY, MAX_TAGS, MAX_VALUE } from "./tags.ts";

const TEXT = new RegExp(`^${CHARACTER}*$`);
const text = z.string().max(MAX_TEXT).regex(TEXT);
const required = text.min(1);
const optional = text.nullish();

const tokens = z.int().min(0).max(MAX_TOKENS);
const COUNTS: Record<keyof Usage, string> = {
  inputTokens: "All of them, cached included.",
  outputTokens: "All of them, reasoning included.",
  cacheReadTokens: "Of the input.",
  cacheWriteTokens: "Of the input; both kinds of writes.",
  cacheWrite5mTokens: "Of the cache writes.",
  cacheWrite1hTokens: "Of the cache writes.",
  reasoningTokens: "Of the output.",
  inputAudioTokens: "Of the input, those that are not cached.",
  outputAudioTokens: "Of the output.",
  inputImageTokens: "Of the input, those that are not cached.",
  outputImageTokens: "Of the output.",
  webSearches: "Searches that the provider made for the call; no tokens.",
};

const NOT_NAMES = { not: { enum: ["__proto__", "constructor"] } };

export const NativeTrace = z
  .looseObject({
    id: required.describe("Your own id. A call is known by `id` and `timestamp`: send both again when you retry."),
    timestamp: z
      .union([z.string().regex(RFC3339), z.number()])
      .describe("Start of the call: RFC 3339 with an offset, or epoch ms. From 2020 to five minutes ahead."),
    model: required,
    provider: optional.describe("Without it, taken from the model where the catalogue knows that exactly."),
    application: optional.meta({ default: "unknown" }),
    environment: optional.meta({ default: "unknown" }),
    operation: optional.meta({ default: "chat" }),
    user_id: optional,
    session_id: optional,
    tags: z
      .record(z.string().min(1).max(MAX_KEY).regex(TEXT).meta(NOT_NAMES), z.string().max(MAX_VALUE))
      .meta({ maxProperties: MAX_TAGS })
      .nullish()
      .describe("The first ten, by name, can be grouped by."),
    duration_ms: z.number().min(0).max(MAX_DURATION_MS).nullish(),
    status: z.enum(["ok", "error", ""]).nullish().meta({ default: "ok" }),
    error_type: optional,
    service_tier: optional,
    ...Object.fromEntries(
      COUNT_FIELDS.map((field) => [COUNT_NAMES[field], tokens.nullish().describe(COUNTS[field])] as const),
    ),
    usage: z
      .union([z.looseObject({}), z.array(z.unknown()), z.null()])
      .optional()
      .describe("The provider's own usage object instead of token counts, read as `provider` means it."),
    cost_usd: z
      .union([
        z
          .number()
          .min(0)
          .max(Number(MAX_COST_PICO / 1_000_000_000_000n)),
        z
          .string()
          .max(MAX_TEXT)
          .regex(/^\d+(?:\.\d+)?(?:[eE][+-]?\d{1,3})?$/),
        z.null(),
      ])
      .optional()
      .describe("Your own idea of the cost, kept beside ours; at most 12 decimals."),
    request_model: optional,
    response_id: optional.describe("The provider's: two reports of one response count once."),
    trace_id: optional,
    span_id: optional,
    parent_id: optional,
  })
  .meta({
    id: "NativeTrace",
    description: "One call. Fields that are not listed are ignored; empty text counts as left out.",
    propertyNames: NOT_NAMES,
  });
