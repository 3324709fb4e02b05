/** `/v1/prices`: custom prices for models that the catalogue lacks or prices wrongly, and the models without a price. */
import { Hono } from "hono";
import { z } from "zod";
import { ApiError } from "../errors.ts";
import { MAX_TEXT } from "../ledger/call.ts";
import type { Caller } from "../keys.ts";
import { type Bucket, FEE_BUCKETS, LISTED_PER, TOKEN_BUCKETS, unitOf } from "../ledger/buckets.ts";
import { addCustomPrice, listCustomPrices, type NewPrice, ShownPrice } from "../pricing/custom-price-store.ts";
import { canonicalProvider } from "../pricing/provider.ts";
import { picoPerUnit, rounded } from "../pricing/ratio.ts";
import { canonicalTier } from "../pricing/service-tier.ts";
import { UnpricedModel, unpricedModels } from "../reprice/unpriced.ts";
import { healProject } from "../reprice/heal.ts";
import { readParameters } from "../parameters.ts";
import { RANGE_PARAMETERS, rangeOf } from "../summary/query.ts";
import { parseInstant } from "../time.ts";
import { nextCursor } from "../wire.ts";
import { parseBody } from "./body.ts";
import { type AppEnv, type Deps, keepAliveOf } from "./context.ts";
import { json, operation } from "./operation.ts";

const EARLIEST_MS = Date.UTC(2000, 0, 1);
const LATEST_MS = Date.UTC(2100, 0, 1);

const text = z
  .string()
  .min(1)
  .max(MAX_TEXT)
  .refine((value) => value.isWellFormed() && !value.includes("\0"), "must not contain a NUL or half a surrogate pair");
const instant = z.union([z.string(), z.number()]).transform((value, context) => {
  const ms = typeof value === "number" ? value : parseInstant(value);
  if (ms !== null && Number.isInteger(ms) && ms >= EARLIEST_MS && ms <= LATEST_MS) return ms;
  context.addIssue("must be RFC 3339 with an offset, epoch milliseconds or YYYY-MM-DD, between 2000 and 2100");
  return z.NEVER;
});
const usd = z
  .string("must be a decimal string")
  .regex(/^\d{1,9}(?:\.\d{1,6})?$/, "must be a decimal of USD, not negative, with at most 9 digits and 6 decimals");
const factor = z
  .string("must be a decimal string")
  .regex(/^\d{1,6}(?:\.\d{1,9})?$/, "must be a decimal with at most 6 digits and 9 decimals")
  .refine((value) => /[1-9]/.test(value), "must be more than 0");

/** Unit prices by price bucket. At least one is required. */
function unitPrices<B extends Bucket>(buckets: readonly B[]) {
  const shape = Object.fromEntries(buckets.map((bucket) => [bucket, usd.optional()]));
  return z
    .strictObject(shape as Record<B, z.ZodOptional<z.ZodString>>)
    .refine((units) => Object.values(units).some((unit) => unit !== undefined), "must name at least one price")
    .nullish();
}

const body = z
  .strictObject({
    project_id: z.uuid().nullish(),
    provider: text.nullish(),
    model: text,
    match: z.enum(["exact", "prefix"]).nullish(),
    service_tier: z.string().max(MAX_TEXT).nullish(),
    starts_at: instant,
    ends_at: instant.nullish(),
    usd_per_million_tokens: unitPrices(TOKEN_BUCKETS),
    usd_per_thousand: unitPrices(FEE_BUCKETS),
    factor: factor.nullish(),
    same_as: z.strictObject({ provider: text, model: text }).nullish(),
  })
  .superRefine((price, context) => {
    const refuse = (field: string, message: string) =>
      context.addIssue({ code: "custom", path: [field], message, input: price });
    const { model, match, ends_at: endsAt, service_tier: tier } = price;
    const given = (["usd_per_million_tokens", "usd_per_thousand"] as const).filter((field) => price[field]);
    if (model.slice(0, -1).includes("*")) refuse("model", "may have a * only at its end");
    if (match === "exact" && model.endsWith("*")) refuse("model", "must not end with * if match is exact");
    if (tier && (!tier.isWellFormed() || tier.includes("\0")))
      refuse("service_tier", "must not contain a NUL or half a surrogate pair");
    if (typeof endsAt === "number" && endsAt <= price.starts_at) refuse("ends_at", "must be after starts_at");
    if (given.length === 0 && !price.factor && !price.same_as)
      refuse("usd_per_million_tokens", "is required without usd_per_thousand, factor and same_as");
    if (given.length > 0 && price.factor) refuse("factor", `cannot be combined with ${given[0]}`);
    if (given.length > 0 && price.same_as) refuse("same_as", `cannot be combined with ${given[0]}`);
  });

const EXAMPLES = [
  { model: "our-model", starts_at: "2026-01-01", usd_per_million_tokens: { input: "2.5", output: "10" } },
  {
    provider: "azure",
    model: "our-gpt-*",
    starts_at: "2026-01-01",
    same_as: { provider: "openai", model: "gpt-4o" },
    factor: "0.9",
  },
];

/** A request prices unpriced calls for this long after its answer; the daily sweep does the rest. */
const HEAL_MS = 20_000;

/** The list has no pages, because a project sees at most 5,000 prices of its own and 5,000 global ones. */
const NO_PARAMETERS = {};
const UNPRICED_PARAMETERS = { from: RANGE_PARAMETERS.from, to: RANGE_PARAMETERS.to };

export function pricesRoutes(deps: Deps): Hono<AppEnv> {
  const app = new Hono<AppEnv>();

  app.post(
    "/v1/prices",
    operation(deps, {
      id: "addPrice",
      tag: "Prices",
      summary: "Add a custom price",
      description:
        "A price gives unit prices, or a `factor` of the catalogue's price, or another model as `same_as`, which may have a `factor` too. Prices never change: a new price replaces an old one by starting later. Past calls without a price get the new one.",
      caller: "admin key or scope admin",
      body: { content: json(body, ...EXAMPLES) },
      answers: {
        201: { description: "The price, which applies to calls that arrive from now on.", content: json(ShownPrice) },
      },
      refusals: ["not_found", "price_overlap", "too_many_prices"],
    }),
    async (c) => {
      const asked = await parseBody(c.req.raw, body);
      const projectId = ownerOf(asked.project_id, c.get("caller") as Caller | undefined);
      const price = await addCustomPrice(deps, projectId, newPrice(asked));
      // A project's past calls get the price at once. A global price waits for the daily sweep over all projects.
      const keepAlive = keepAliveOf(c);
      if (projectId !== null)
        keepAlive(healProject(deps, projectId, deps.now() + HEAL_MS, keepAlive).catch(() => undefined));
      return c.json(price, 201);
    },
  );

  app.get(
    "/v1/prices",
    operation(deps, {
      id: "listPrices",
      tag: "Prices",
      summary: "List the project's custom prices and the global ones",
      caller: "read",
      query: NO_PARAMETERS,
      answers: {
        200: {
          description: "All prices, the project's own first.",
          content: json(z.object({ prices: z.array(ShownPrice), next_cursor: nextCursor })),
        },
      },
    }),
    async (c) => {
      readParameters(NO_PARAMETERS, new URL(c.req.url).searchParams);
      return c.json({ prices: await listCustomPrices(deps.db, c.get("caller").projectId), next_cursor: null });
    },
  );

  app.get(
    "/v1/prices/unpriced",
    operation(deps, {
      id: "listUnpricedModels",
      tag: "Prices",
      summary: "List models without a price",
      description: "The list covers the whole UTC days that the range touches.",
      caller: "read",
      query: UNPRICED_PARAMETERS,
      answers: {
        200: {
          description: "At most 1,000 models, those with the most tokens first.",
          content: json(z.object({ models: z.array(UnpricedModel), next_cursor: nextCursor })),
        },
      },
    }),
    async (c) => {
      const asked = readParameters(UNPRICED_PARAMETERS, new URL(c.req.url).searchParams);
      const { fromMs, toMs } = rangeOf(asked, deps.now(), deps.zones);
      const models = await unpricedModels(deps.db, c.get("caller").projectId, fromMs, toMs);
      return c.json({ models, next_cursor: null });
    },
  );
  return app;
}

/**
 * The project that the price is for; null for every project. An API key adds prices to its own project only. With the
 * admin key there is no caller, and the body names the project.
 */
function ownerOf(asked: string | null | undefined, caller: Caller | undefined): string | null {
  if (!caller) {
    if (asked === undefined)
      throw new ApiError("invalid_body", "project_id: is required with the admin key; null stands for every project");
    return asked;
  }
  if (asked !== undefined && asked !== caller.projectId)
    throw new ApiError("forbidden", "project_id: an API key adds prices to its own project only");
  return caller.projectId;
}

function newPrice(asked: z.infer<typeof body>): NewPrice {
  const { provider, model, same_as: sameAs, usd_per_million_tokens: tokens, usd_per_thousand: fees } = asked;
  const isPrefix = asked.match === "prefix" || model.endsWith("*");
  return {
    provider: provider ? canonicalProvider(provider) : null,
    model: model.endsWith("*") ? model.slice(0, -1) : model,
    match: isPrefix ? "prefix" : "exact",
    serviceTier: canonicalTier(asked.service_tier ?? null),
    startsAtMs: asked.starts_at,
    endsAtMs: asked.ends_at ?? null,
    unitPico: tokens || fees ? { ...unitPico(tokens ?? {}), ...unitPico(fees ?? {}) } : null,
    factor: asked.factor ?? null,
    sameAs: sameAs ? { provider: canonicalProvider(sameAs.provider), model: sameAs.model } : null,
  };
}

/** USD per million tokens, or per thousand calls or searches -> pico-USD per unit; exact for up to six decimals. */
function unitPico(units: Partial<Record<Bucket, string | undefined>>): Partial<Record<Bucket, bigint>> {
  return Object.fromEntries(
    Object.entries(units).flatMap(([bucket, usd]) =>
      usd === undefined ? [] : [[bucket, rounded(picoPerUnit(usd, LISTED_PER[unitOf(bucket as Bucket)]))] as const],
    ),
  );
}
