/** Groups of a summary with exact sums: paired with another period, folded to a limit, and ordered. */
import { type Measure, SHOWN } from "../ledger/measures.ts";
import { OTHER } from "../rollup/families.ts";
import { noSums } from "./measured.ts";
import type { SummaryQuery } from "./query.ts";

export interface Group {
  intervalMs: number;
  /** The values of `query.groupBy`, in its order. A null stands for the calls without the label. */
  keys: (string | null)[];
  /** Exact sums by the measure's name. */
  sums: Record<string, bigint>;
  /** Number of calls by the histogram's bin; null without a histogram. */
  latency: Map<number, number> | null;
  /** The same group in the period of `compare`. */
  previous?: Group;
}

/**
 * Groups with a null key count all calls, with and without the label. Taking the groups of the label's values off them
 * leaves the calls without the label.
 */
export function withRest(groups: readonly Group[]): Group[] {
  const label = groups.find(({ keys }) => keys.includes(null))?.keys.indexOf(null) ?? -1;
  const parent = ({ intervalMs, keys }: Group): string => JSON.stringify([intervalMs, keys.with(label, null)]);
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
 * Pairs each group with the same group of the earlier period, by the position of its interval. A group that only one
 * period has gets sums of 0 for the other. One month may have more days than another: groups of the earlier period
 * whose interval has no counterpart are added to the last interval.
 */
export function paired(
  own: { groups: readonly Group[]; intervalStartsMs: readonly number[] },
  before: { groups: readonly Group[]; intervalStartsMs: readonly number[] },
  measures: readonly Measure[],
): Group[] {
  const none = (): Pick<Group, "sums" | "latency"> => ({ sums: noSums(measures), latency: null });
  const placeOf = ({ intervalMs }: Group, startsMs: readonly number[]): number =>
    Math.min(startsMs.indexOf(intervalMs), own.intervalStartsMs.length - 1);
  const at = (group: Group, startsMs: readonly number[]): string =>
    JSON.stringify([placeOf(group, startsMs), group.keys]);
  const pairs = new Map(
    own.groups.map((group) => [at(group, own.intervalStartsMs), { ...group, previous: { ...group, ...none() } }]),
  );
  for (const group of before.groups) {
    const key = at(group, before.intervalStartsMs);
    const pair = pairs.get(key);
    if (pair) addTo(pair.previous, group, 1n);
    else {
      const intervalMs = own.intervalStartsMs[placeOf(group, before.intervalStartsMs)] ?? 0;
      pairs.set(key, { ...group, ...none(), intervalMs, previous: group });
    }
  }
  return [...pairs.values()];
}

/** Keeps the first `limit` groups by their sums over all intervals. The rest are one group `(other)` per interval. */
export function foldedTo(
  limit: number,
  groups: readonly Group[],
  query: SummaryQuery,
  measures: readonly Measure[],
): Group[] {
  const whole = merged(
    groups.map((group) => ({ ...group, intervalMs: 0 })),
    measures,
  ).sort(inOrder(query));
  if (whole.length <= limit) return [...groups];
  const kept = new Set(whole.slice(0, limit).map(({ keys }) => JSON.stringify(keys)));
  const folded = groups.map((group) =>
    kept.has(JSON.stringify(group.keys)) ? group : { ...group, keys: group.keys.map(() => OTHER) },
  );
  return merged(folded, measures);
}

/** Adds up groups with the same interval and keys. */
function merged(groups: readonly Group[], measures: readonly Measure[]): Group[] {
  const byKey = Map.groupBy(groups, ({ intervalMs, keys }) => JSON.stringify([intervalMs, keys]));
  return [...byKey.values()].map((same) =>
    same.length === 1 ? same[0]! : { ...totalOf(same, measures), intervalMs: same[0]!.intervalMs, keys: same[0]!.keys },
  );
}

export function totalOf(groups: readonly Group[], measures: readonly Measure[]): Group {
  const total: Group = { intervalMs: 0, keys: [], sums: noSums(measures), latency: null };
  for (const group of groups) addTo(total, group, 1n);
  const previous = groups.flatMap((group) => group.previous ?? []);
  return previous.length > 0 ? { ...total, previous: totalOf(previous, measures) } : total;
}

function addTo(target: Group, { sums, latency }: Group, sign: 1n | -1n): void {
  // Most sums are 0.
  for (const name in sums) if (sums[name] !== 0n) target.sums[name]! += sign * sums[name]!;
  if (latency === null) return;
  target.latency ??= new Map();
  for (const [bin, calls] of latency) target.latency.set(bin, (target.latency.get(bin) ?? 0) + Number(sign) * calls);
}

/**
 * Orders by interval, then by `query.order`, then by cost descending, then by keys. Null keys come last, and `(other)`
 * comes after all others of its interval.
 */
export function inOrder({ order, groupBy }: SummaryQuery): (a: Group, b: Group) => number {
  const key = groupBy.findIndex((name) => name === order.key);
  const direction = order.descending ? -1 : 1;
  return (a, b) =>
    a.intervalMs - b.intervalMs ||
    Number(isOther(a)) - Number(isOther(b)) ||
    direction * (key >= 0 ? byText(a.keys[key]!, b.keys[key]!, direction) : bySum(a, b, order.key)) ||
    bySum(b, a, "cost_usd") ||
    byKeys(a.keys, b.keys);
}

/** True for the group that a limit made of the rest: all of its keys are `(other)`. */
function isOther({ keys }: Group): boolean {
  return keys.length > 0 && keys.every((key) => key === OTHER);
}

/** The measures that a shown sum adds up. */
export const MEASURES_OF: ReadonlyMap<string, readonly string[]> = new Map(
  SHOWN.map(({ name, measures }) => [name, measures]),
);

function bySum(a: Group, b: Group, name: string): number {
  const measures = MEASURES_OF.get(name)!;
  const of = ({ sums }: Group): bigint => measures.reduce((sum, measure) => sum + sums[measure]!, 0n);
  const [x, y] = [of(a), of(b)];
  return x < y ? -1 : x > y ? 1 : 0;
}

/** Orders by text. A null comes last in both directions. */
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
