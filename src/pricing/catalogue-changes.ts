/**
 * What differs between two catalogues, by the names that callers send: models that came or went, and prices that moved.
 */
import type { MatchLogic, ModelInfo, Provider } from "@pydantic/genai-prices";
import { type Bucket, BUCKETS } from "../ledger/buckets.ts";
import { CATALOGUE_VERSION, createCatalogue } from "./catalogue.ts";
import { catalogueModel, type CatalogueModel } from "./catalogue-model.ts";
import { createIndex } from "./match.ts";
import { UNKNOWN } from "./provider.ts";

export type CatalogueChange =
  | { kind: "provider gone"; provider: string }
  | { kind: "provider added"; provider: string }
  | { kind: "model gone"; provider: string; model: string }
  | { kind: "model added"; provider: string; model: string }
  | PriceChange;

/** The price of a name at one time and input size. Amounts are USD as listed; null is no price. */
export interface PriceChange {
  kind: "price";
  provider: string;
  model: string;
  bucket: Bucket;
  atMs: number;
  inputTokens: number;
  fromUsd: number | null;
  toUsd: number | null;
}

/** Of one model and bucket, only the largest change is told. @param nowMs is compared, and each date of either. */
export function changesOf(before: readonly Provider[], after: readonly Provider[], nowMs: number): CatalogueChange[] {
  const known = new Set(before.map(({ id }) => id));
  const added = after.filter(({ id }) => !known.has(id));
  const changed = before.flatMap((old): CatalogueChange[] => {
    const next = after.find(({ id }) => id === old.id);
    if (!next) return [{ kind: "provider gone", provider: old.id }];
    return [...changedModels(old, next, nowMs), ...addedModels(old, next)];
  });
  return [
    ...changed,
    ...inferredOtherwise(before, after, nowMs),
    ...added.map(({ id }) => ({ kind: "provider added" as const, provider: id })),
  ];
}

function changedModels(old: Provider, next: Provider, nowMs: number): CatalogueChange[] {
  const find = { before: createIndex(old.models), after: createIndex(next.models) };
  const compared = new Map<ModelInfo, Set<ModelInfo>>();
  const gone = new Set<string>();
  const changes: CatalogueChange[] = [];
  for (const model of old.models.flatMap(namesOf)) {
    const before = find.before(model);
    if (before === null) continue;
    const after = find.after(model);
    if (after === null) {
      if (!gone.has(before.id)) changes.push({ kind: "model gone", provider: old.id, model });
      gone.add(before.id);
      continue;
    }
    const others = compared.get(before) ?? new Set();
    if (others.has(after)) continue;
    compared.set(before, others.add(after));
    if (JSON.stringify(before.prices) === JSON.stringify(after.prices)) continue;
    const [from, to] = [before, after].map((info) =>
      catalogueModel({
        provider: old.id,
        version: "",
        info,
        correction: null,
        confidence: "exact",
        free: false,
        hosted: false,
      }),
    ) as [CatalogueModel, CatalogueModel];
    const [instants, sizes] = [instantsOf([before, after], nowMs), sizesOf([before, after])];
    changes.push(...priceChanges({ provider: old.id, model }, from, to, instants, sizes));
  }
  return changes;
}

/** Names that are sent without a provider, and would be those of another provider's model. */
function inferredOtherwise(before: readonly Provider[], after: readonly Provider[], nowMs: number): CatalogueChange[] {
  const [old, next] = [before, after].map((providers) => createCatalogue(providers, CATALOGUE_VERSION));
  const names = new Set(before.flatMap(({ models }) => models.flatMap(namesOf)));
  return [...names].flatMap((model): CatalogueChange[] => {
    const from = old!.lookUp(UNKNOWN, model);
    if (from === null) return [];
    const to = next!.lookUp(UNKNOWN, model);
    if (to === null) return [{ kind: "model gone", provider: UNKNOWN, model }];
    if (to.provider === from.provider && to.model === from.model) return [];
    return priceChanges({ provider: UNKNOWN, model }, from, to, [nowMs], [1]);
  });
}

function addedModels(old: Provider, next: Provider): CatalogueChange[] {
  const known = new Set(old.models.map(({ id }) => id));
  return next.models
    .filter(({ id }) => !known.has(id))
    .map(({ id }) => ({ kind: "model added", provider: old.id, model: id }));
}

/** The names that a model is sure to be called by, in lower case. */
function namesOf({ id, match }: ModelInfo): string[] {
  const names = [id];
  const collect = (rule: MatchLogic): void => {
    if ("or" in rule) rule.or.forEach(collect);
    else if ("equals" in rule) names.push(rule.equals);
    else if ("starts_with" in rule) names.push(rule.starts_with);
  };
  collect(match);
  return names.map((name) => name.toLowerCase());
}

function priceChanges(
  name: { provider: string; model: string },
  before: CatalogueModel,
  after: CatalogueModel,
  instants: readonly number[],
  sizes: readonly number[],
): PriceChange[] {
  const largest = new Map<Bucket, PriceChange>();
  for (const atMs of instants) {
    for (const inputTokens of sizes) {
      const [from, to] = [before, after].map((of) => of.priceAt(atMs, inputTokens).listedUsd);
      for (const [i, bucket] of BUCKETS.entries()) {
        const [fromUsd, toUsd] = [from![i]!, to![i]!];
        if (fromUsd === toUsd) continue;
        const change = { kind: "price", ...name, bucket, atMs, inputTokens, fromUsd, toUsd } as const;
        const known = largest.get(bucket);
        if (!known || extentOf(change) > extentOf(known)) largest.set(bucket, change);
      }
    }
  }
  return [...largest.values()];
}

/** How many times dearer or cheaper. Infinite if a price went, and 1 if one came. */
export function extentOf({ fromUsd, toUsd }: PriceChange): number {
  if (!fromUsd) return 1;
  return toUsd ? Math.max(toUsd / fromUsd, fromUsd / toUsd) : Infinity;
}

function periodsOf({ prices }: ModelInfo) {
  return Array.isArray(prices) ? prices : [{ prices }];
}

/** Now, and instants in each period that any of the models has. */
function instantsOf(models: readonly ModelInfo[], nowMs: number): number[] {
  const constraints = models
    .flatMap(periodsOf)
    .map((period) => ("constraint" in period ? period.constraint : undefined));
  const dates = constraints.flatMap((of) => (of?.type === "start_date" ? [Date.parse(of.start_date)] : []));
  const times = constraints.flatMap((of) =>
    of?.type === "time_of_date"
      ? [of.start_time, of.end_time].map((text) => Date.parse(`1970-01-01T${text}`) % 86_400_000)
      : [],
  );
  const days = [nowMs, 0, ...dates];
  const starts = days.map((ms) => ms - (ms % 86_400_000));
  return [...new Set([...days, ...starts.flatMap((start) => times.map((time) => start + time))])];
}

/** Input sizes within each tier that any of the models has. */
function sizesOf(models: readonly ModelInfo[]): number[] {
  const starts = models
    .flatMap(periodsOf)
    .flatMap(({ prices }) => Object.values(prices))
    .flatMap((price) => (typeof price === "object" ? price.tiers.map(({ start }) => start + 1) : []));
  return [...new Set([1, ...starts])];
}
