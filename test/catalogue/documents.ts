/** Catalogue documents, made from the embedded one. */
import { type ModelInfo, type Provider, waitForUpdate } from "@pydantic/genai-prices";

const EMBEDDED = (await waitForUpdate()) ?? [];

/** A model that no release knows: $1 per million input tokens, $2 per million output tokens. */
export const NOVA: ModelInfo = {
  id: "gpt-77-nova",
  match: { equals: "gpt-77-nova" },
  prices: { input_mtok: 1, output_mtok: 2 },
};

export function embedded(): Provider[] {
  return structuredClone(EMBEDDED);
}

/** The embedded document after a change. */
export function changed(change: (models: ModelInfo[], providers: Provider[]) => void): Provider[] {
  const providers = embedded();
  change(providers.find(({ id }) => id === "openai")!.models, providers);
  return providers;
}

export function withNova(prices: ModelInfo["prices"] = NOVA.prices): Provider[] {
  return changed((models) => models.push({ ...NOVA, prices }));
}

/** The entry of gpt-4o, whose input costs $2.50. */
export function gpt4o(models: readonly ModelInfo[]): ModelInfo & { prices: Record<string, unknown> } {
  return models.find(({ id }) => id === "gpt-4o") as ModelInfo & { prices: Record<string, unknown> };
}

/** As published: a constraint has no `type`. */
export function published(providers: readonly Provider[]): string {
  return JSON.stringify(providers, (key, value: unknown) =>
    key === "constraint" ? { ...(value as object), type: undefined } : value,
  );
}
