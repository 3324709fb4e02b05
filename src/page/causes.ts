/** Why a cost changed, in words: the causes of `/v1/explain`, each by the sign that its part has. */
import type { components } from "./api.d.ts";
import { picoOf, usdOf } from "./money.ts";

type Parts = components["schemas"]["Parts"];
export type Cause = keyof Parts;

/** What it is called, and what a rise and a fall of the cost by it means. A new cause of the API must be named here. */
export const CAUSES: Readonly<Record<Cause, { name: string; up: string; down: string }>> = {
  volume_usd: { name: "Number of calls", up: "more calls", down: "fewer calls" },
  model_mix_usd: { name: "Choice of models", up: "dearer models", down: "cheaper models" },
  unpriced_usd: { name: "Share with a price", up: "fewer unpriced calls", down: "more unpriced calls" },
  input_length_usd: { name: "Length of prompts", up: "longer prompts", down: "shorter prompts" },
  cache_use_usd: { name: "Use of the cache", up: "less use of the cache", down: "more use of the cache" },
  output_length_usd: { name: "Length of answers", up: "longer answers", down: "shorter answers" },
  modality_usd: {
    name: "Audio, images, reasoning",
    up: "more audio, images or reasoning",
    down: "less audio, images or reasoning",
  },
  web_search_usd: { name: "Web searches", up: "more web searches", down: "fewer web searches" },
  tier_usd: { name: "Service tiers", up: "dearer tiers", down: "cheaper tiers" },
  price_usd: { name: "Prices", up: "higher prices", down: "lower prices" },
};

export interface Part {
  cause: Cause;
  usd: string;
}

/** The parts that are not 0, the largest first. */
export function partsOf(parts: Parts): Part[] {
  return (Object.keys(CAUSES) as Cause[])
    .map((cause) => ({ cause, usd: parts[cause] }))
    .filter(({ usd }) => picoOf(usd) !== 0n)
    .sort(bySize);
}

export function wordsOf({ cause, usd }: Part): string {
  return CAUSES[cause][picoOf(usd) > 0n ? "up" : "down"];
}

/** The largest causes in words; the lesser ones become one, so that all add up. */
export function saidOf(parts: Parts, most = 3): { words: string; usd: string }[] {
  const all = partsOf(parts);
  const said = all.slice(0, most).map((part) => ({ words: wordsOf(part), usd: part.usd }));
  if (all.length > most) said.push({ words: "other causes", usd: sumOf(all.slice(most)) });
  return said;
}

/** A step of a waterfall, in pico-USD: from where the one before ended. */
export interface Step {
  key: string;
  name: string;
  usd: string;
  from: bigint;
  to: bigint;
  /** The two ends stand on the ground; what is between them hangs. */
  isEnd: boolean;
}

export function stepsOf(before: string | null, after: string | null, parts: Parts): Step[] {
  const named = partsOf(parts).map(({ cause, usd }) => ({ key: cause, name: CAUSES[cause].name, usd }));
  return stepsThrough(before, after, named);
}

/** From one end to the other. @param between adds up to their difference. */
export function stepsThrough(
  before: string | null,
  after: string | null,
  between: readonly { key: string; name: string; usd: string }[],
): Step[] {
  let level = picoOf(before ?? "0");
  const steps: Step[] = [{ key: "before", name: "Before", usd: before ?? "0", from: 0n, to: level, isEnd: true }];
  for (const { key, name, usd } of between) {
    const to = level + picoOf(usd);
    steps.push({ key, name, usd, from: level, to, isEnd: false });
    level = to;
  }
  steps.push({ key: "after", name: "Now", usd: after ?? "0", from: 0n, to: picoOf(after ?? "0"), isEnd: true });
  return steps;
}

/** The exact sum. */
export function sumOf(parts: readonly { usd: string }[]): string {
  return usdOf(parts.reduce((sum, { usd }) => sum + picoOf(usd), 0n));
}

export function sizeOf(usd: string): bigint {
  const pico = picoOf(usd);
  return pico < 0n ? -pico : pico;
}

/** For sorting: the largest first, whatever its sign. */
export function bySize(a: { usd: string }, b: { usd: string }): number {
  return Number(sizeOf(b.usd) > sizeOf(a.usd)) - Number(sizeOf(b.usd) < sizeOf(a.usd));
}
