/**
 * Healing: unpriced calls get their price once it is known, however long ago they were made. A job does it, so that it
 * goes on after a failure, and shows.
 */
import { sql } from "drizzle-orm";
import { UNIT_COUNTS } from "../ledger/buckets.ts";
import { NO_USAGE, type Usage } from "../ledger/call.ts";
import type { Pricer } from "../pricing/cost.ts";
import { readRawSince } from "../retention/kept.ts";
import { DAY_MS } from "../time.ts";
import { openJob, type RepriceJob } from "./job.ts";
import type { RepriceDeps, RepriceScope } from "./step.ts";
import { type UnpricedModel, unpricedModels } from "./unpriced.ts";

const EARLIEST_MS = Date.UTC(2020, 0, 1);

/**
 * Opens a job that heals a project's calls. `runJobs` runs it.
 *
 * @returns null if no unpriced call has a price by now.
 */
export async function openHealing(deps: RepriceDeps, projectId: string): Promise<RepriceJob | null> {
  const scope = await healingScope(deps, projectId);
  return scope && (await openJob(deps, scope, { limited: false }));
}

/**
 * Opens a job for each project that has something to heal, until `deadlineMs`. A project that fails holds up no other.
 *
 * @returns whether the time was enough for all projects.
 * @throws the first project's error, after the others had their turn.
 */
export async function openAllHealing(deps: RepriceDeps, deadlineMs: number): Promise<boolean> {
  const errors: unknown[] = [];
  // In another order each time, so that the time is enough for each project some time.
  for (const { id } of await deps.db.query(sql`select id from projects order by random()`)) {
    if (deps.now() >= deadlineMs) return false;
    await openHealing(deps, String(id)).catch((error: unknown) => errors.push(error));
  }
  if (errors.length > 0) throw errors[0];
  return true;
}

async function healingScope(deps: RepriceDeps, projectId: string): Promise<RepriceScope | null> {
  const pricer = await deps.prices.pricerFor(projectId, deps.now());
  // Calls that are no longer kept stay unpriced.
  const earliestMs = Math.max(EARLIEST_MS, await readRawSince(deps.db));
  const healable = (await unpricedModels(deps.db, projectId, earliestMs, deps.now() + DAY_MS)).flatMap((unpriced) => {
    const fromMs = Date.parse(unpriced.first_day);
    const toMs = Date.parse(unpriced.last_day) + DAY_MS;
    const [some, none] = [SOME_USAGES, [NO_USAGE]].map((usages) =>
      daysIn(fromMs, toMs).some((atMs) => hasPrice(pricer, unpriced, usages, atMs)),
    );
    return some || none ? [{ ...unpriced, fromMs, toMs, none: none === true }] : [];
  });
  if (healable.length === 0) return null;
  return {
    projectId,
    fromMs: Math.min(...healable.map(({ fromMs }) => fromMs)),
    toMs: Math.max(...healable.map(({ toMs }) => toMs)),
    providers: [...new Set(healable.map(({ provider }) => provider))].sort(),
    models: [...new Set(healable.map(({ model }) => model))].sort(),
    unpricedOnly: true,
    usageKnown: !healable.some(({ none }) => none),
  };
}

/** The start of each UTC day, and the end of the last one: a price may hold for a part of the time only. */
function daysIn(fromMs: number, toMs: number): number[] {
  return Array.from({ length: (toMs - fromMs) / DAY_MS + 1 }, (_, i) => fromMs + i * DAY_MS);
}

/** A usage for each kind of price: of tokens, and of each unit that is billed beside them. */
const SOME_USAGES: readonly Usage[] = [
  { ...NO_USAGE, inputTokens: 1_000, outputTokens: 0 },
  ...UNIT_COUNTS.map((field): Usage => ({ ...NO_USAGE, [field]: 1 })),
];

/** Tells whether a call of this model, with any of these usages, would have a price at that time. */
function hasPrice(
  pricer: Pricer,
  { provider, model, service_tier }: UnpricedModel,
  usages: readonly Usage[],
  startedAtMs: number,
): boolean {
  return usages.some((usage) => {
    const call = { ...usage, provider, model, operation: "chat", serviceTier: service_tier, startedAtMs };
    return pricer.costOf({ ...call, status: "ok", durationUs: null }).unpricedReason === null;
  });
}
