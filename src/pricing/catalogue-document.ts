/**
 * Whether a newer catalogue may replace the one in use. A document that breaks a rule is refused whole, with the first
 * reason, so that half of it is never believed.
 */
import type { Provider } from "@pydantic/genai-prices";
import { changesOf, extentOf } from "./catalogue-changes.ts";
import { quoted, readDocument } from "./catalogue-schema.ts";

export type ParsedCatalogue = { providers: Provider[] } | { refused: string };

/** A known price may become so many times dearer or cheaper without anybody looking. */
const MAX_CHANGE = 10;

/**
 * @param previous is what is in use.
 * @param accept leaves out the comparison with it: somebody has looked.
 */
export function parseCatalogue(
  text: string,
  previous: readonly Provider[],
  { nowMs, accept = false }: { nowMs: number; accept?: boolean },
): ParsedCatalogue {
  const providers = readDocument(text);
  if (typeof providers === "string") return { refused: providers };
  const problem =
    repeatedId(providers) ?? badFallback(providers) ?? (accept ? null : badChange(previous, providers, nowMs));
  return problem === null ? { providers } : { refused: problem };
}

function repeatedId(providers: readonly Provider[]): string | null {
  const provider = firstTwice(providers);
  if (provider !== null) return `the provider ${quoted(provider)} is there twice`;
  for (const { id, models } of providers) {
    const model = firstTwice(models);
    if (model !== null) return `${quoted(id)} has the model ${quoted(model)} twice`;
  }
  return null;
}

function firstTwice(items: readonly { id: string }[]): string | null {
  const seen = new Set<string>();
  for (const { id } of items) {
    if (seen.has(id.toLowerCase())) return id;
    seen.add(id.toLowerCase());
  }
  return null;
}

/** A provider falls back on others of the document, which fall back on none. */
function badFallback(providers: readonly Provider[]): string | null {
  const byId = new Map(providers.map((provider) => [provider.id, provider]));
  for (const { id, fallback_model_providers: others = [] } of providers) {
    for (const other of others) {
      const found = byId.get(other);
      if (!found) return `${quoted(id)} falls back on ${quoted(other)}, which is not there`;
      if (other === id || (found.fallback_model_providers ?? []).length > 0)
        return `${quoted(id)} falls back on ${quoted(other)}, which falls back on others itself`;
    }
  }
  return null;
}

function badChange(previous: readonly Provider[], providers: readonly Provider[], nowMs: number): string | null {
  for (const change of changesOf(previous, providers, nowMs)) {
    if (change.kind === "provider added" || change.kind === "model added") continue;
    const of = quoted(change.provider);
    if (change.kind === "provider gone") return `the provider ${of} is gone`;
    if (change.kind === "model gone") return `the model ${quoted(change.model)} of ${of} is gone`;
    if (extentOf(change) <= MAX_CHANGE) continue;
    const { model, bucket, fromUsd, toUsd } = change;
    return `the price of ${bucket} of ${quoted(model)} of ${of} changes from ${fromUsd} to ${toUsd ?? "none"}`;
  }
  return null;
}
