/** What a price would restate, added up exactly from a dry run. */
import type { components } from "../api.d.ts";
import type { PriceBody } from "./draft.ts";
import { picoOf, usdOf } from "../money.ts";

export type DryRun = components["schemas"]["RepriceDryRun"];
export type Job = components["schemas"]["RepriceJob"];

export interface ModelChange {
  provider: string;
  model: string;
  requests: number;
  before: string;
  after: string;
  difference: string;
}

/** By provider and model, the largest change first. */
export function changesByModel(changes: DryRun["changes"]): ModelChange[] {
  const groups = new Map<
    string,
    { provider: string; model: string; requests: number; before: bigint; after: bigint }
  >();
  for (const { provider, model, requests, before_usd: before, after_usd: after } of changes) {
    const key = JSON.stringify([provider, model]);
    const group = groups.get(key) ?? { provider, model, requests: 0, before: 0n, after: 0n };
    group.requests += requests;
    group.before += picoOf(before);
    group.after += picoOf(after);
    groups.set(key, group);
  }
  const size = ({ before, after }: { before: bigint; after: bigint }): bigint =>
    after > before ? after - before : before - after;
  return [...groups.values()]
    .sort((a, b) => Number(size(b) > size(a)) - Number(size(b) < size(a)))
    .map(({ before, after, ...group }) => ({
      ...group,
      before: usdOf(before),
      after: usdOf(after),
      difference: usdOf(after - before),
    }));
}

/**
 * Do calls without a price still have none? The dry run counts them, because what they lack is another thing now, and
 * says 0. A price that is not free and comes to nothing lacks a kind of token that they used.
 */
export function isStillUnknown(
  after: string,
  body: Pick<PriceBody, "usd_per_million_tokens" | "usd_per_thousand">,
): boolean {
  const units = Object.values({ ...body.usd_per_million_tokens, ...body.usd_per_thousand });
  return after === "0" && units.some((usd) => /[1-9]/.test(usd));
}

/** How many calls would have another cost, as far as a price leaves out nothing that they used. */
export function callsChanged(answer: DryRun, body: PriceBody, isUnpriced: boolean): number {
  const groups = changesByModel(answer.changes).filter(({ after }) => !isUnpriced || !isStillUnknown(after, body));
  return groups.reduce((sum, { requests }) => sum + requests, 0);
}

export function sumOf(changes: DryRun["changes"], member: "before_usd" | "after_usd"): string {
  return usdOf(changes.reduce((sum, change) => sum + picoOf(change[member]), 0n));
}

/** How far a job is, from 0 to 1; null where it is not known how much there is. */
export function progressOf(job: Job, total: number | null): number | null {
  if (job.status === "done") return 1;
  if (total === null || total === 0 || job.looked > total) return null;
  return job.looked / total;
}

export function isOpen({ status }: Job): boolean {
  return status === "running" || status === "failed";
}
