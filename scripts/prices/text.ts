/** What `npm run prices` prints. Amounts are USD as the catalogue lists them. */
import type { Provider } from "@pydantic/genai-prices";
import { BUCKETS, LISTED_PER, unitOf } from "../../src/ledger/buckets.ts";
import { type CatalogueChange, changesOf, extentOf } from "../../src/pricing/catalogue-changes.ts";
import type { CatalogueModel } from "../../src/pricing/catalogue-model.ts";
import type { ShownPrice } from "../../src/pricing/custom-price-row.ts";
import { publishedTiers, tierMultiplier } from "../../src/pricing/service-tier.ts";

export function changeLines(before: readonly Provider[], after: readonly Provider[], nowMs: number): string[] {
  const lines = changesOf(before, after, nowMs).map(changeLine);
  return lines.length === 0 ? ["  nothing changes"] : lines;
}

function changeLine(change: CatalogueChange): string {
  if (change.kind === "provider gone" || change.kind === "provider added")
    return `  ${change.provider}: ${change.kind}`;
  const name = `  ${change.provider} ${change.model}`;
  if (change.kind !== "price") return `${name}: ${change.kind}`;
  const { bucket, fromUsd, toUsd, atMs, inputTokens } = change;
  const size = inputTokens > 1 ? `, from ${inputTokens} input tokens on` : "";
  const marked = extentOf(change) > 10 ? "  <- more than 10x" : "";
  return `${name}: ${bucket} ${fromUsd ?? "none"} -> ${toUsd ?? "none"} on ${day(atMs)}${size}${marked}`;
}

function day(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

const plural = (unit: string): string => (unit === "search" ? "searches" : `${unit}s`);

export function modelLines(found: CatalogueModel, nowMs: number): string[] {
  const { listedUsd } = found.priceAt(nowMs, 1);
  const long = found.priceAt(nowMs, Number.MAX_SAFE_INTEGER).listedUsd;
  const prices = BUCKETS.flatMap((bucket, i) => {
    if (listedUsd[i] === null) return [];
    const most = long[i] === listedUsd[i] ? "" : `, ${long[i]} with the longest input`;
    return [
      `  ${bucket.padEnd(18)} ${listedUsd[i]} USD per ${LISTED_PER[unitOf(bucket)]} ${plural(unitOf(bucket))}${most}`,
    ];
  });
  const tiers = publishedTiers(found.provider, found.model).map((tier) => {
    const { by, approximate } = tierMultiplier(found.provider, found.model, tier, false)!;
    return `  ${tier.padEnd(18)} x ${Number(by.numerator) / Number(by.denominator)}${approximate ? " (approximate)" : ""}`;
  });
  return [`${found.provider} ${found.model} (${found.confidence}), on ${day(nowMs)}:`, ...prices, ...tiers];
}

/** A custom price in one line: which names, and what it says, in the words of the API. */
export function customLine(price: ShownPrice): string {
  const {
    id: _,
    project_id: project,
    model,
    aliases,
    match: __,
    starts_at: from,
    ends_at: to,
    created_at: ___,
    ...rest
  } = price;
  const said = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== null));
  const period = `from ${from.slice(0, 10)}${to === null ? "" : ` to ${to.slice(0, 10)}`}`;
  return `  ${[model, ...aliases].join(", ")} ${period}${project === null ? ", for every project" : ""}: ${JSON.stringify(said)}`;
}
