/** Custom prices of one provider, model and service tier, one after the other. Each holds until the next one starts. */
import type { Price } from "./draft.ts";

export interface Held {
  price: Price;
  /** When it ends, by itself or because another one starts. Null: not yet. */
  until: string | null;
}

export interface History {
  key: string;
  /** What holds now. Null if all have ended, or none has started. */
  current: Held | null;
  upcoming: readonly Held[];
  /** The latest first. */
  past: readonly Held[];
}

export function historiesOf(prices: readonly Price[], nowMs: number): History[] {
  const groups = new Map<string, Price[]>();
  for (const price of prices) {
    const { project_id: owner, provider, model, service_tier: tier } = price;
    const key = JSON.stringify([owner, provider, model, tier]);
    groups.set(key, [...(groups.get(key) ?? []), price]);
  }
  return [...groups].map(([key, group]) => {
    const held = group.sort((a, b) => Date.parse(a.starts_at) - Date.parse(b.starts_at)).map(withEnd);
    const upcoming = held.filter(({ price }) => Date.parse(price.starts_at) > nowMs);
    const begun = held.slice(0, held.length - upcoming.length).reverse();
    const current = begun.find(({ until }) => until === null || Date.parse(until) > nowMs) ?? null;
    return { key, current, upcoming, past: begun.filter((one) => one !== current) };
  });
}

function withEnd(price: Price, i: number, sorted: readonly Price[]): Held {
  // Prices with an end do not overlap, so it comes before the next start.
  return { price, until: price.ends_at ?? sorted[i + 1]?.starts_at ?? null };
}

/** What a price says beside its unit prices, in words. */
export function termsOf(price: Pick<Price, "aliases" | "steps" | "factor" | "multipliers" | "same_as">): string[] {
  const { aliases, steps, factor, multipliers, same_as: sameAs } = price;
  const times = Object.entries({ ...multipliers?.service_tier, ...multipliers?.inference_geo });
  return [
    ...(sameAs ? [`as ${sameAs.provider} ${sameAs.model}`] : []),
    ...(factor !== null && factor !== undefined ? [`\u00d7 ${factor}`] : []),
    ...(steps ?? []).map(
      ({ above_input_tokens: above }) => `other prices above ${above.toLocaleString("en-US")} tokens`,
    ),
    ...times.map(([name, by]) => `${name} \u00d7 ${by}`),
    ...(aliases.length > 0 ? [`also ${aliases.join(", ")}`] : []),
  ];
}
