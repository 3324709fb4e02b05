/**
 * `/v1/prices`: custom prices for models that the catalogue lacks or prices wrongly, and the models without a price.
 */
import { Hono } from "hono";
import { z } from "zod";
import type { Caller } from "../keyring.ts";
import { ShownPrice } from "../pricing/custom-price-row.ts";
import { addCustomPrice, listCustomPrices } from "../pricing/custom-price-store.ts";
import { UnpricedModel, unpricedModels } from "../reprice/unpriced.ts";
import { openHealing } from "../reprice/heal.ts";
import { RepriceJob, runJobs } from "../reprice/job.ts";
import { readParameters } from "../parameters.ts";
import { RANGE_PARAMETERS, rangeOf } from "../summary/query.ts";
import { nextCursor } from "../wire.ts";
import { parseBody } from "./body.ts";
import { actorOf, type AppEnv, type Deps, keepAliveOf, ownDeps } from "./context.ts";
import { createdId, IDEMPOTENCY_HEADER } from "./idempotency.ts";
import { json, operation } from "./operation.ts";
import { newPrice, ownerOf, PRICE_EXAMPLES, PriceBody } from "./price-body.ts";
import { errorLine } from "../telemetry/log-line.ts";

const healing = RepriceJob.nullable().describe(
  "The job that prices past calls which had no price. It runs at once. Null if there are none, if they could not be looked for, and for a global price: the daily sweep at 03:00 UTC opens such jobs for each project.",
);

function logged(error: unknown): null {
  console.error(errorLine("healing", {}, error));
  return null;
}

/** The list has no pages, because a project sees at most 5,000 prices of its own and 5,000 global ones. */
const NO_PARAMETERS = {};
const WHOLE_DAYS = { from: RANGE_PARAMETERS.from, to: RANGE_PARAMETERS.to };

export function pricesRoutes(deps: Deps): Hono<AppEnv> {
  const app = new Hono<AppEnv>();

  app.post(
    "/v1/prices",
    operation(deps, {
      id: "addPrice",
      tag: "Prices",
      summary: "Add a custom price",
      again:
        "With the same `Idempotency-Key`, the answer is the price that the first request added. Without one, it is 409 `price_overlap`, which names that price.",
      description:
        "A price gives unit prices, or a `factor` of the catalogue's price, or another model as `same_as`, which may have a `factor` too. Custom prices go before the catalogue. Of several that cover a call, the project's own go before global ones, then a whole name before a pattern, a longer pattern before a shorter one, a price for the call's service tier before one for every tier, a price for its provider before one for every provider, and the latest start. Prices never change: a new price replaces an old one by starting later. Past calls without a price get the new one.",
      caller: "admin key or scope admin",
      headers: IDEMPOTENCY_HEADER,
      body: { content: json(PriceBody, ...PRICE_EXAMPLES) },
      answers: {
        201: {
          description: "The price, which applies to calls that arrive from now on.",
          content: json(ShownPrice.extend({ healing }).meta({ id: "AddedPrice" })),
        },
      },
      refusals: ["invalid_parameter", "not_found", "price_overlap", "too_many_prices", "idempotency_mismatch"],
    }),
    async (c) => {
      const asked = await parseBody(c, deps, PriceBody);
      const projectId = ownerOf(asked.project_id, c.get("caller") as Caller | undefined);
      const own = projectId === null ? deps : ownDeps(deps, projectId);
      const price = await addCustomPrice(own, projectId, newPrice(asked), createdId(c, projectId), actorOf(c));
      // The price is there, whatever becomes of this.
      const job = projectId === null ? null : await openHealing(own, projectId).catch(logged);
      if (job) {
        const keepAlive = keepAliveOf(c);
        deps.mergeSignal.raise(deps.now(), keepAlive);
        keepAlive(runJobs(own, keepAlive, projectId).catch(() => undefined));
      }
      return c.json({ ...price, healing: job }, 201);
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
      const { projectId } = c.get("caller");
      return c.json({ prices: await listCustomPrices(ownDeps(deps, projectId).db, projectId), next_cursor: null });
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
      query: WHOLE_DAYS,
      answers: {
        200: {
          description: "At most 1,000 models, those with the most tokens first.",
          content: json(z.object({ models: z.array(UnpricedModel), next_cursor: nextCursor })),
        },
      },
    }),
    async (c) => {
      const asked = readParameters(WHOLE_DAYS, new URL(c.req.url).searchParams);
      const { fromMs, toMs } = rangeOf(asked, deps.now(), deps.zones);
      const { projectId } = c.get("caller");
      const models = await unpricedModels(ownDeps(deps, projectId).db, projectId, fromMs, toMs);
      return c.json({ models, next_cursor: null });
    },
  );
  return app;
}
