/** Healing: unpriced calls get their price once it is known, however long ago they were made. */
import { type RepriceDeps, repriceStep } from "./step.ts";
import { DAY_MS } from "../time.ts";
import type { KeepAlive } from "../keep-alive.ts";
import type { Pricer } from "../pricing/cost.ts";
import { UNIT_COUNTS } from "../ledger/buckets.ts";
import { NO_USAGE, type Usage } from "../ledger/call.ts";
import { type UnpricedModel, unpricedModels } from "./unpriced.ts";
import { announceChange } from "../epoch.ts";
import { readRawSince } from "../retention/kept.ts";

const STEP = 2_000;
const EARLIEST_MS = Date.UTC(2020, 0, 1);

/** Heals one project, until `deadlineMs`. Returns how many calls got a price. */
export async function healProject(
  deps: RepriceDeps,
  projectId: string,
  deadlineMs: number,
  keepAlive: KeepAlive,
): Promise<number> {
  const pricer = await deps.prices.pricerFor(projectId, deps.now());
  let healed = 0;
  // Calls that are no longer kept stay unpriced.
  const earliestMs = Math.max(EARLIEST_MS, await readRawSince(deps.db));
  for (const unpriced of await unpricedModels(deps.db, projectId, earliestMs, deps.now() + DAY_MS)) {
    const fromMs = Date.parse(unpriced.first_day);
    const toMs = Date.parse(unpriced.last_day) + DAY_MS;
    const [some, none] = [SOME_USAGES, [NO_USAGE]].map((usages) =>
      daysIn(fromMs, toMs).some((atMs) => hasPrice(pricer, unpriced, usages, atMs)),
    );
    if (!some && !none) continue;
    const { provider, model } = unpriced;
    const scope = {
      projectId,
      fromMs,
      toMs,
      providers: [provider],
      models: [model],
      unpricedOnly: true,
      usageKnown: !none,
    };
    let cursor: string | null = null;
    let changed = 0;
    do {
      const step = await repriceStep(deps.db, pricer, scope, { cursor, limit: STEP, apply: true });
      changed += step.restated.filter(({ afterPico }) => afterPico !== null).length;
      cursor = step.cursor;
    } while (cursor !== null && deps.now() < deadlineMs);
    if (changed > 0) await announceChange(deps, projectId, fromMs, keepAlive);
    healed += changed;
    if (deps.now() >= deadlineMs) break;
  }
  return healed;
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
