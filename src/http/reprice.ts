/** `POST /v1/reprice` tells what today's prices would change in the past, or opens the job that changes it. */
import { Hono } from "hono";
import { z } from "zod";
import { ApiError } from "../errors.ts";
import type { Caller } from "../keyring.ts";
import { createPricer, type Pricer } from "../pricing/cost.ts";
import { pricesWith } from "../pricing/custom-price-store.ts";
import { customPrices } from "../pricing/custom-price.ts";
import { canonicalProvider } from "../pricing/provider.ts";
import {
  cancelJob,
  foretell,
  Foretold,
  listJobs,
  MAX_LISTED,
  openJob,
  readJob,
  RepriceJob,
  runJobs,
} from "../reprice/job.ts";
import type { RepriceScope } from "../reprice/step.ts";
import { expectRaw } from "../retention/kept.ts";
import { parseRange } from "../summary/query.ts";
import { parseTraceId } from "../traces/query.ts";
import { id, nextCursor } from "../wire.ts";
import { readParameters } from "../parameters.ts";
import { IDEMPOTENCY_HEADER, idempotencyKeyOf } from "./idempotency.ts";
import { parseBody } from "./body.ts";
import { newPrice, ownerOf, PriceBody } from "./price-body.ts";
import { actorOf, type AppEnv, type Deps, keepAliveOf, ownDeps } from "./context.ts";
import { json, operation } from "./operation.ts";

/** The list has no pages: it ends with the newest. */
const NO_PARAMETERS = {};

const names = z.union([z.string().min(1).max(512), z.array(z.string().min(1).max(512)).max(100)]).default([]);
const instant = z.union([z.string(), z.int()]).transform(String);
const body = z.strictObject({
  from: instant,
  to: instant,
  tz: z.string().default("UTC"),
  provider: names,
  model: names,
  unpriced_only: z.boolean().default(false),
  dry_run: z.boolean().default(true).describe("If true, nothing changes: the answer tells what would."),
  price: PriceBody.optional().describe(
    "Only with a dry run. It tells what would change with this price, as `POST /v1/prices` would add it, beside the prices that are there. It is not added.",
  ),
});

export function repriceRoutes(deps: Deps): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  app.post(
    "/v1/reprice",
    operation(deps, {
      id: "reprice",
      tag: "Prices",
      summary: "Restate past costs at today's prices, or tell what would change",
      description:
        "The answer tells by day and model what would change. With `price` it tells this before the price is added. With `dry_run: false` a job makes the change instead. `recorded_cost_usd` never changes.",
      again:
        "With the same `Idempotency-Key`, the answer is the job that the first request opened. Without one, so it is until the job has begun; a later job finds nothing left to change.",
      caller: "admin",
      headers: IDEMPOTENCY_HEADER,
      body: {
        content: json(
          body,
          { from: "2026-10-01", to: "2026-11-01", provider: "openai" },
          {
            from: "2026-10-01",
            to: "2026-11-01",
            unpriced_only: true,
            price: {
              model: "our-next-model",
              starts_at: "2026-01-01",
              usd_per_million_tokens: { input: "2", output: "8" },
            },
          },
        ),
      },
      answers: {
        200: { description: "The costs that would change.", content: json(Foretold) },
        202: { description: "The job that changes them.", content: json(RepriceJob) },
      },
      refusals: [
        "raw_expired",
        "not_found",
        "price_overlap",
        "too_many_prices",
        "too_many_jobs",
        "idempotency_mismatch",
      ],
    }),
    async (c) => {
      const idempotencyKey = idempotencyKeyOf(c);
      const asked = await parseBody(c, deps, body);
      const { fromMs, toMs } = parseRange(
        new URLSearchParams({ from: asked.from, to: asked.to, tz: asked.tz }),
        deps.now(),
        deps.zones,
      );
      const caller = c.get("caller");
      const { projectId } = caller;
      const own = ownDeps(deps, projectId);
      const pricer = await pricerOf(own, asked, caller);
      await expectRaw(own.db, fromMs);
      const scope: RepriceScope = {
        projectId,
        fromMs,
        toMs,
        providers: [asked.provider].flat().map(canonicalProvider),
        models: [asked.model].flat(),
        unpricedOnly: asked.unpriced_only,
      };
      if (asked.dry_run) return c.json(await foretell(own, scope, pricer));
      const job = await openJob(own, scope, { idempotencyKey, actor: actorOf(c) });
      const keepAlive = keepAliveOf(c);
      deps.mergeSignal.raise(deps.now(), keepAlive);
      keepAlive(runJobs(own, keepAlive, scope.projectId).catch(() => undefined));
      return c.json(job, 202);
    },
  );
  app.get(
    "/v1/reprice",
    operation(deps, {
      id: "listRepriceJobs",
      tag: "Prices",
      summary: "List the project's jobs, the newest first",
      caller: "read",
      query: NO_PARAMETERS,
      answers: {
        200: {
          description: `At most ${MAX_LISTED} jobs.`,
          content: json(z.object({ jobs: z.array(RepriceJob), next_cursor: nextCursor })),
        },
      },
    }),
    async (c) => {
      readParameters(NO_PARAMETERS, new URL(c.req.url).searchParams);
      const { projectId } = c.get("caller");
      return c.json({ jobs: await listJobs(ownDeps(deps, projectId), projectId), next_cursor: null });
    },
  );
  app.get(
    "/v1/reprice/:id",
    operation(deps, {
      id: "getRepriceJob",
      tag: "Prices",
      summary: "Read a job's progress and what it has changed",
      caller: "read",
      path: { id: { schema: id, description: "The id of the job." } },
      answers: { 200: { description: "The job.", content: json(RepriceJob) } },
      refusals: ["not_found"],
    }),
    async (c) => {
      const id = parseTraceId(c.req.param("id"));
      const { projectId } = c.get("caller");
      const job = id === null ? null : await readJob(ownDeps(deps, projectId), projectId, id);
      if (job === null) throw new ApiError("not_found", "there is no such job");
      return c.json(job);
    },
  );
  app.delete(
    "/v1/reprice/:id",
    operation(deps, {
      id: "cancelRepriceJob",
      tag: "Prices",
      summary: "Cancel a job",
      description: "What the job has restated stays, and so does a step that is under way.",
      again: "The same answer.",
      caller: "admin",
      path: { id: { schema: id, description: "The id of the job." } },
      answers: { 200: { description: "The job: cancelled, or done before.", content: json(RepriceJob) } },
      refusals: ["not_found"],
    }),
    async (c) => {
      const id = parseTraceId(c.req.param("id"));
      const { projectId } = c.get("caller");
      const job = id === null ? null : await cancelJob(ownDeps(deps, projectId), projectId, id, actorOf(c));
      if (job === null) throw new ApiError("not_found", "there is no such job");
      return c.json(job);
    },
  );
  return app;
}

/** The pricer with the price that is asked about; null if none is. */
async function pricerOf(
  deps: Deps,
  { price, dry_run: isDry }: z.infer<typeof body>,
  caller: Caller,
): Promise<Pricer | null> {
  if (price === undefined) return null;
  if (!isDry) throw new ApiError("invalid_body", "price: needs dry_run; add the price first to apply it");
  ownerOf(price.project_id, caller);
  const { custom, catalogue } = await pricesWith(deps, caller.projectId, newPrice(price));
  return createPricer(customPrices(custom), catalogue);
}
