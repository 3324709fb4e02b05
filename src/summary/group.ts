/** Groups of a summary before they are shown: exact sums, and what is done with them. */
import { type Measure, OTHER } from "../rollup/measures.ts";
import type { SummaryQuery } from "./query.ts";

/** Sums of nothing. */
export function noSums(measures: readonly Measure[]): Record<string, bigint> {
  return Object.fromEntries(measures.map(({ name }) => [name, 0n]));
}

export interface Group {
  bucketMs: number;
  /** The values of `query.groupBy`, in its order; null for the calls without the label. */
  keys: (string | null)[];
  /** By measure. */
  sums: Record<string, bigint>;
  /** Calls by bucket of the histogram; null without one. */
  latency: Map<number, number> | null;
  /** The same group in the period compared with. */
  previous?: Group;
}

/**
 * Turns the groups of all calls, with and without the label, into those of the calls without it: what remains when
 * the label's values are taken off.
 */
export function withRest(groups: readonly Group[]): Group[] {
  const label = groups.find(({ keys }) => keys.includes(null))?.keys.indexOf(null) ?? -1;
  const parent = ({ bucketMs, keys }: Group): string => JSON.stringify([bucketMs, keys.with(label, null)]);
  const labelled = groups.filter(({ keys }) => !keys.includes(null));
  const rests = new Map(groups.filter(({ keys }) => keys.includes(null)).map((group) => [parent(group), group]));
  if (rests.size === 0) return labelled;
  for (const group of labelled) {
    const rest = rests.get(parent(group));
    if (rest) addTo(rest, group, -1n);
  }
  return [...labelled, ...[...rests.values()].filter(({ sums }) => sums["requests"] !== 0n)];
}

/**
 * Each group with the same one of the period before, bucket by bucket in their order; what only one has is 0 in the other.
 * A month may have more days than the next: what has no counterpart belongs to the last bucket.
 */
export function paired(
  own: { groups: readonly Group[]; bucketStartsMs: readonly number[] },
  before: { groups: readonly Group[]; bucketStartsMs: readonly number[] },
  measures: readonly Measure[],
): Group[] {
  const none = (): Pick<Group, "sums" | "latency"> => ({ sums: noSums(measures), latency: null });
  const placeOf = ({ bucketMs }: Group, startsMs: readonly number[]): number =>
    Math.min(startsMs.indexOf(bucketMs), own.bucketStartsMs.length - 1);
  const at = (group: Group, startsMs: readonly number[]): string =>
    JSON.stringify([placeOf(group, startsMs), group.keys]);
  const pairs = new Map(
    own.groups.map((group) => [at(group, own.bucketStartsMs), { ...group, previous: { ...group, ...none() } }]),
  );
  for (const group of before.groups) {
    const key = at(group, before.bucketStartsMs);
    const pair = pairs.get(key);
    if (pair) addTo(pair.previous, group, 1n);
    else {
      const bucketMs = own.bucketStartsMs[placeOf(group, before.bucketStartsMs)] ?? 0;
      pairs.set(key, { ...group, ...none(), bucketMs, previous: group });
    }
  }
  return [...pairs.values()];
}

/** The first `limit` groups over all buckets, in the order asked for, and one group a bucket of all others. */
export function foldedTo(
  limit: number,
  groups: readonly Group[],
  query: SummaryQuery,
  measures: readonly Measure[],
): Group[] {
  const whole = merged(
    groups.map((group) => ({ ...group, bucketMs: 0 })),
    measures,
  ).sort(inOrder(query));
  if (whole.length <= limit) return [...groups];
  const kept = new Set(whole.slice(0, limit).map(({ keys }) => JSON.stringify(keys)));
  const folded = groups.map((group) =>
    kept.has(JSON.stringify(group.keys)) ? group : { ...group, keys: group.keys.map(() => OTHER) },
  );
  return merged(folded, measures);
}

/** One group for each bucket and keys. */
function merged(groups: readonly Group[], measures: readonly Measure[]): Group[] {
  const byKey = Map.groupBy(groups, ({ bucketMs, keys }) => JSON.stringify([bucketMs, keys]));
  return [...byKey.values()].map((same) =>
    same.length === 1 ? same[0]! : { ...totalOf(same, measures), bucketMs: same[0]!.bucketMs, keys: same[0]!.keys },
  );
}

export function totalOf(groups: readonly Group[], measures: readonly Measure[]): Group {
  const total: Group = { bucketMs: 0, keys: [], sums: noSums(measures), latency: null };
  for (const group of groups) addTo(total, group, 1n);
  const previous = groups.flatMap((group) => group.previous ?? []);
  return previous.length > 0 ? { ...total, previous: totalOf(previous, measures) } : total;
}

function addTo(target: Group, { sums, latency }: Group, sign: 1n | -1n): void {
  for (const name in target.sums) target.sums[name]! += sign * sums[name]!;
  if (latency === null) return;
  target.latency ??= new Map();
  for (const [bucket, calls] of latency)
    target.latency.set(bucket, (target.latency.get(bucket) ?? 0) + Number(sign) * calls);
}

/** By bucket, then as asked for, then by cost descending, then by keys; null keys last, and `(other)` after all. */
export function inOrder({ order, groupBy }: SummaryQuery): (a: Group, b: Group) => number {
  const key = groupBy.findIndex((name) => name === order.key);
  const direction = order.descending ? -1 : 1;
  return (a, b) =>
    a.bucketMs - b.bucketMs ||
    Number(isOther(a)) - Number(isOther(b)) ||
    direction * (key >= 0 ? byText(a.keys[key]!, b.keys[key]!, direction) : bySum(a, b, order.key)) ||
    bySum(b, a, "cost_usd") ||
    byKeys(a.keys, b.keys);
}

/** All keys are `(other)`: what a limit left out. */
function isOther({ keys }: Group): boolean {
  return keys.length > 0 && keys.every((key) => key === OTHER);
}

/** Sums that are not stored as they are called. */
const STORED: Readonly<Record<string, string>> = { cost_usd: "cost_pico", recorded_cost_usd: "recorded_cost_pico" };

function bySum(a: Group, b: Group, name: string): number {
  const of = ({ sums }: Group): bigint =>
    name === "total_tokens" ? sums["input_tokens"]! + sums["output_tokens"]! : sums[STORED[name] ?? name]!;
  const [x, y] = [of(a), of(b)];
  return x < y ? -1 : x > y ? 1 : 0;
}

/** Null last, in whichever direction. */
function byText(a: string | null, b: string | null, direction: number): number {
  if (a === b) return 0;
  if (a === null || b === null) return (a === null ? 1 : -1) * direction;
  return a < b ? -1 : 1;
}

function byKeys(a: Group["keys"], b: Group["keys"]): number {
  for (const [i, key] of a.entries()) {
    const difference = byText(key, b[i] ?? null, 1);
    if (difference !== 0) return difference;
  }
  return 0;
}
