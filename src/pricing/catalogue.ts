/**
 * A price catalogue as a value: which models there are, under which names, at which prices. The embedded one is the
 * data of the package `@pydantic/genai-prices`; a newer one has the same form.
 */
import { type ModelInfo, type Provider, waitForUpdate } from "@pydantic/genai-prices";
import { catalogueModel, type CatalogueModel } from "./catalogue-model.ts";
import { confidenceIn, doubtAbout } from "./confidence.ts";
import type { Correction } from "./correction.ts";
import { CORRECTIONS, FREE } from "./corrections.ts";
import { createIndex, matches } from "./match.ts";
import { aliasOf, bareName, makerAndModel, providerByName, spellingsOf } from "./names.ts";
import { canonicalProvider, UNKNOWN } from "./provider.ts";

/**
 * The version of the package, and the day on which it was published. A test compares the version with the installed one,
 * and names the day again.
 */
export const CATALOGUE_VERSION = "0.1.8";
export const CATALOGUE_DAY = "2026-09-23";

export interface Catalogue {
  version: string;
  /** Finds a model, by any name of its provider. Null if the catalogue has no such model of that provider. */
  lookUp(provider: string, model: string): CatalogueModel | null;
  /** What is known about the entry with this id that a provider's price came from. Null if there is none any more. */
  about(provider: string, id: string): EntryOrigin | null;
  /** The provider's canonical id, whatever its emitter calls it. */
  providerOf(sent: string): string;
}

export type LookUp = Catalogue["lookUp"];

export interface EntryOrigin {
  /** Why its prices are approximate, in the catalogue's words. Null if they are exact. */
  doubt: string | null;
  /** Our own prices for it, also if the catalogue has caught up. */
  correction: Correction | null;
}

const MEMO_SIZE = 10_000;

/** The makers of models, in the order in which they are asked for one whose provider is unknown. */
const MAKERS = ["openai", "anthropic", "google", "mistral", "cohere", "x-ai", "deepseek"];

/** Whose name may be that of the library only: many servers are called with its client. */
const LIBRARIES = new Set(["openai"]);

/** The makers whose models OpenRouter sells at the maker's price. Open models have a price of their own there. */
const RESOLD = new Set(["openai", "anthropic", "google", "x-ai"]);

/** Models that a maker does not sell itself. The catalogue has them at a price of some host. */
const NOT_SOLD: ReadonlyMap<string, RegExp> = new Map([
  ["openai", /^gpt-oss-/],
  ["deepseek", /^deepseek-v3\./],
]);

/** The makers of open models, which others host at a price of their own. */
const OPEN = new Set(["deepseek", "moonshotai"]);

/** Open models of makers that sell them, too. Without a provider they may be anyone's. */
const SERVED_BY_ANYONE = /^(?:deepseek-(?:r1|v3)|mistral-7b|mixtral-|mistral-nemo|open-mi[sx]tral|pixtral-12b)/;

const FREE_AT_OPENROUTER: ModelInfo = { id: "*:free", match: { ends_with: ":free" }, prices: {} };

/** @param version is stored with each price, so equal versions must mean equal `providers`. */
export function createCatalogue(
  providers: readonly Provider[],
  version: string,
  corrected: readonly Correction[] = CORRECTIONS,
): Catalogue {
  const byId = new Map(providers.map((provider) => [provider.id, provider]));
  const indexes = new Map<string, (name: string) => ModelInfo | null>();
  const built = new Map<ModelInfo, Map<string, CatalogueModel>>();
  const memo = new Map<string, CatalogueModel | null>();
  const corrections = corrected.filter(({ caughtUp }) => caughtUp === undefined || isBefore(version, caughtUp));
  /** The entries of our own that are for names. */
  const own = new Map<ModelInfo, Correction>();

  /** Our own entries come first: the catalogue may have their names at another price. */
  function indexOf(id: string): (name: string) => ModelInfo | null {
    let index = indexes.get(id);
    if (!index) {
      const models = (byId.get(id)?.models ?? []).filter(({ id: model }) => !NOT_SOLD.get(id)?.test(model));
      const listed = createIndex(models);
      const entries = corrections.flatMap((correction) => {
        const { provider, names } = correction;
        if (provider !== id || names === undefined) return [];
        const match = { or: names.map((equals) => ({ equals })) };
        const entry: ModelInfo = { id: correction.id, match, prices: listed(names[0]!)?.prices ?? {} };
        own.set(entry, correction);
        return [entry];
      });
      index = createIndex([...entries, ...models]);
      indexes.set(id, index);
    }
    return index;
  }

  function correctionOf(id: string, info: ModelInfo): Correction | null {
    const named = own.get(info);
    if (named) return named;
    return corrections.find((of) => of.provider === id && of.id === info.id && of.names === undefined) ?? null;
  }

  function build(provider: string, of: string, info: ModelInfo): CatalogueModel {
    const models = built.get(info) ?? new Map<string, CatalogueModel>();
    built.set(info, models);
    let model = models.get(provider);
    if (!model) {
      const correction = correctionOf(of, info);
      const confidence = correction
        ? correction.approximate
          ? "approximate"
          : "exact"
        : confidenceIn(byId.get(of), info);
      const free = info === FREE_AT_OPENROUTER || (FREE.get(provider)?.has(info.id) ?? false);
      model = catalogueModel({ provider, version, info, correction, confidence, free, hosted: provider !== of });
      models.set(provider, model);
    }
    return model;
  }

  function entryAt(id: string, spellings: Iterable<string>): ModelInfo | null {
    for (const spelling of spellings) {
      const info = indexOf(id)(aliasOf(id, spelling) ?? spelling);
      if (info) return info;
    }
    return null;
  }

  /** The makers whose models a provider hosts at their price. Azure's prices of open models are its own. */
  const hostedAt = (provider: string): string[] =>
    (byId.get(provider)?.fallback_model_providers ?? []).filter((maker) => !OPEN.has(maker));

  /** A model of this provider, or of one that it hosts. */
  function ownModel(provider: string, name: string): CatalogueModel | null {
    const spellings = spellingsOf(provider, name);
    for (const of of [provider, ...hostedAt(provider)]) {
      const info = entryAt(of, of === provider ? spellings : new Set([...spellings, ...spellingsOf(of, name)]));
      if (info) return build(provider, of, info);
    }
    return null;
  }

  /** A model that says itself whose it is. */
  function inferred(name: string): CatalogueModel | null {
    if (SERVED_BY_ANYONE.test(name)) return null;
    const named = providers.filter(({ model_match }) => model_match && matches(model_match, name)).map(({ id }) => id);
    for (const id of [...named, ...MAKERS]) {
      const info = entryAt(id, spellingsOf(id, name));
      // An open model may be anyone's, and prices of others are a guess.
      if (info && !FREE.get(id)?.has(info.id) && (correctionOf(id, info) || doubtAbout(byId.get(id), info) === null))
        return build(id, id, info);
    }
    return null;
  }

  function find(provider: string, name: string): CatalogueModel | null {
    if (provider === "openrouter" && name.endsWith(":free")) return build(provider, provider, FREE_AT_OPENROUTER);
    const own = ownModel(provider, name);
    if (own) return own;
    const anyone = provider === UNKNOWN || LIBRARIES.has(provider);
    const [prefix, rest] = makerAndModel(name) ?? [];
    if (rest !== undefined) {
      const maker = canonicalProvider(prefix!);
      if (maker === provider || maker === UNKNOWN || hostedAt(provider).includes(maker)) {
        return find(provider, bareName(rest));
      }
      if (byId.has(maker) && (anyone || (provider === "openrouter" && RESOLD.has(maker)))) {
        const model = find(maker, bareName(rest));
        return model && FREE.get(maker)?.has(model.model) ? null : model;
      }
    }
    const named = providerByName(name);
    if (named !== undefined && (anyone || provider === "anthropic")) return ownModel(named, name);
    return provider === UNKNOWN ? inferred(name) : null;
  }

  return {
    version,
    lookUp(provider, model) {
      const key = `${provider}\n${model}`;
      let found = memo.get(key);
      if (found === undefined) {
        found = find(canonicalProvider(provider), bareName(model));
        if (memo.size >= MEMO_SIZE) memo.clear();
        memo.set(key, found);
      }
      return found;
    },
    about(provider, id) {
      for (const of of [provider, ...hostedAt(provider)]) {
        const correction = corrected.find((own) => own.provider === of && own.id === id) ?? null;
        const info = byId.get(of)?.models.find((model) => model.id === id);
        if (info || correction) return { doubt: info ? doubtAbout(byId.get(of), info) : null, correction };
      }
      return null;
    },
    providerOf: canonicalProvider,
  };
}

/** `0.1.8` is before `0.1.10`. Versions of another form are before all. */
function isBefore(version: string, other: string): boolean {
  const [a, b] = [version, other].map((text) => text.split(".").map(Number));
  const i = b!.findIndex((part, at) => part !== a![at]);
  return i >= 0 && !(a![i]! > b![i]!);
}

/** The catalogue of this release. Nothing is fetched for it. */
export const embeddedCatalogue = createCatalogue((await waitForUpdate()) ?? [], CATALOGUE_VERSION);
