/**
 * The description of the native form. `native.ts` decodes by hand, because that is the hot path. A test compares the
 * two in both directions. Only `native.ts` checks the rules that JSON Schema cannot express: half surrogate pairs, days
 * that are in no calendar, counts that contradict each other, the provider's own usage object, nesting, and lengths in
 * UTF-16 units.
 */
import { z } from "zod";
import { MAX_COST_PICO } from "../../money.ts";
import { RFC3339 } from "../../time.ts";
import { CHARACTER } from "../../wire.ts";
import {
  COSTS_ARE,
  MAX_OTHER_IDS,
  MAX_TEXT,
  MAX_TOKENS,
  MAX_TAG_KEY,
  MAX_TAGS,
  MAX_TAG_VALUE,
  MAX_DURATION_MS,
} from "../../ledger/call.ts";
import { COVERED_BY } from "../../ledger/covered-by.ts";
import { COUNTS } from "../../ledger/counts.ts";

const TEXT = new RegExp(`^${CHARACTER}*$`);
const text = z.string().max(MAX_TEXT).regex(TEXT);
const required = text.min(1);
const optional = text.nullish();

const tokens = z.int().min(0).max(MAX_TOKENS);
const NOT_NAMES = { not: { enum: ["__proto__", "constructor"] } };

export const NativeTrace = z
  .looseObject({
    id: required.describe(
      "Your own id. `id` and `timestamp` together identify a call. If you retry, send the same ones again.",
    ),
    timestamp: z
      .union([z.string().regex(RFC3339), z.number()])
      .describe(
        "Start of the call: RFC 3339 with an offset, or epoch ms. Not before 2020 and at most five minutes in the future.",
      ),
    model: required,
    provider: optional.describe(
      "If omitted, it is inferred from the model, but only if the catalogue names this model exactly.",
    ),
    application: optional.meta({ default: "unknown" }),
    environment: optional.meta({ default: "unknown" }),
    operation: optional.meta({ default: "chat" }),
    user_id: optional,
    session_id: optional,
    tags: z
      .record(z.string().min(1).max(MAX_TAG_KEY).regex(TEXT).meta(NOT_NAMES), z.string().max(MAX_TAG_VALUE))
      .meta({ maxProperties: MAX_TAGS })
      .nullish()
      .describe(
        "Summaries can group by the first ten tags. Shorter names come first, then the order is alphabetical. If one is `agent`, tags that the ledger gives calls of coding agents come after all others.",
      ),
    duration_ms: z.number().min(0).max(MAX_DURATION_MS).nullish(),
    status: z.enum(["ok", "error", ""]).nullish().meta({ default: "ok" }),
    error_type: optional,
    service_tier: optional,
    covered_by: z
      .enum([...COVERED_BY, ""])
      .nullish()
      .meta({ default: "api" })
      .describe("What pays for the call: the account of an API, or a plan such as a seat."),
    ...Object.fromEntries(
      Object.values(COUNTS).map(({ name, description }) => [name, tokens.nullish().describe(description)] as const),
    ),
    usage: z
      .union([z.looseObject({}), z.array(z.unknown()), z.null()])
      .optional()
      .describe(
        "The provider's own usage object, in place of the token counts. It is read in the way in which `provider` counts.",
      ),
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
      .describe("The cost by your own calculation, with at most 12 decimals. It is stored for comparison."),
    cost_is: z
      .enum([...COSTS_ARE, ""])
      .nullish()
      .meta({ default: "exact" })
      .describe(
        "What the ledger's cost is if these fields leave out what is priced, such as `lower_bound` for cache writes of an unknown age.",
      ),
    request_model: optional,
    base_url: optional.describe(
      "Where the call went. A provider that is known to be there is the provider, whatever library called it.",
    ),
    response_id: optional.describe(
      "The id that the provider gave its response. Two reports of one response count once.",
    ),
    request_id: optional.describe(
      "The id that the provider gave the request, such as `req_…`. Reports of one request count once. An id of another form joins nothing.",
    ),
    other_ids: z
      .array(text.regex(/^[^\n]*$/))
      .max(MAX_OTHER_IDS)
      .nullish()
      .describe(
        "Other ids of this call alone, by which another report of it may know it. Calls that share an id and begin within an hour count once.",
      ),
    trace_id: optional,
    span_id: optional,
    parent_id: optional,
  })
  .meta({
    id: "NativeTrace",
    description: "One call. Fields that are not listed are ignored. Empty text counts as left out.",
    propertyNames: NOT_NAMES,
  });
