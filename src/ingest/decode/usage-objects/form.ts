/**
 * A form says how one provider writes its usage object: which keys hold which count, what has to be added or taken off
 * so that totals are inclusive and no token is counted twice, and which other members change the price. `README.md` has
 * the members that do, as a table.
 */
import type { CountField } from "../../../ledger/counts.ts";

/**
 * Paths are keys joined by dots. In a list of objects, as `{modality, tokenCount}` or `{ttl, inputTokens}`, a key is
 * the modality or the time to live and stands for the sum of its counts.
 */
export type Paths = readonly string[];
export type Counts = Readonly<Partial<Record<CountField, Paths>>>;

export interface Form {
  /** The provider or the emitter whose form it is. */
  name: string;
  /** If set, the form is only for calls to this provider: others write the same keys and mean something else. */
  provider?: string;
  /** Each of these paths marks the form, whatever it holds. */
  marks: Paths;
  /** Each of these paths shows that the object is not the provider's own. */
  unless?: Paths;
  /** Where an emitter keeps the provider's own object. If that can be read, it is read instead. */
  original?: string;
  /** For each count, the first path that is set. */
  counts: Counts;
  /** True if the emitter writes 0 for what it does not know: the largest of a count's paths is meant. */
  fillsZeros?: boolean;
  /** All of these are added to a count: the provider leaves them out of it. */
  add?: Counts;
  /** Counts that are added to a total: the provider leaves them out of it. */
  leavesOut?: Readonly<Partial<Record<"inputTokens" | "outputTokens", readonly CountField[]>>>;
  /** All of these are taken off a count: they are part of another one. */
  takeOff?: Counts;
  /** Totals of 0 are left out, so that a part may stand alone. */
  omitsZeros?: boolean;
  /** Where the object splits cache writes by their time to live. The parts must add up to the whole. */
  writeParts?: string;
  /**
   * Where the object says which of the cached tokens are audio or images. Without that, an object with cached tokens
   * and audio is ambiguous, and its images count as plain input.
   */
  cachedParts?: Paths;
  /** Images are ambiguous then, too: the provider sells them at a price of their own. */
  imagesMatter?: boolean;
  /** Where the object splits the output by modality. A modality that is not listed there has no tokens. */
  outputParts?: Paths;
  /** Whether reasoning is outside the output, where `total_tokens` does not tell. By default the output includes it. */
  reasoning?: "inside" | "outside";
  /** Text that says at which tier, speed or place the call was made, or an object with such a `type`. */
  tiers?: Paths;
  /** Text that says how much context a search brought. It becomes a part of the tier: `low` is `search-low`. */
  searchContext?: string;
  /**
   * Members that change the price in a way that no price here expresses: where one is above 0 or true, or holds such a
   * member, the call is ambiguous.
   */
  ambiguous?: Paths;
  /** A number of tools that were used, and where they are told apart. Without that, their fees are unknown. */
  tools?: { used: string; details: Paths };
  /** A list of the turns that are billed, in this form or in another. The top-level counts may leave some of them out. */
  turns?: { path: string; types: readonly string[]; form?: Form };
  /** Members that change no price beside the counts. A name ending in `.` stands for all below it. */
  known?: Paths;
  /** Where the provider documents the object. */
  source: string;
}

type Spelling = (key: string) => string;

/** `promptTokenCount` -> `prompt_token_count`: the spelling of Python clients. */
export const snakeCase: Spelling = (key) => key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** `prompt_tokens_details` -> `promptTokensDetails`: the spelling of TypeScript clients. */
export const camelCase: Spelling = (key) => key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

/** The same form in another spelling of its keys. Modalities and times to live are values, and stay. */
export function respelled(form: Form, spell: Spelling): Form {
  const path = (from: string): string =>
    from
      .split(".")
      .map((key) => (/^[A-Z]+$|^\d/.test(key) ? key : spell(key)))
      .join(".");
  const paths = (from: Paths | undefined): Paths => (from ?? []).map(path);
  const counts = (from: Counts | undefined): Counts =>
    Object.fromEntries(Object.entries(from ?? {}).map(([field, all]) => [field, paths(all)]));
  const { original, writeParts, searchContext, tools, turns } = form;
  return {
    ...form,
    marks: paths(form.marks),
    unless: paths(form.unless),
    counts: counts(form.counts),
    add: counts(form.add),
    takeOff: counts(form.takeOff),
    ...(form.cachedParts && { cachedParts: paths(form.cachedParts) }),
    outputParts: paths(form.outputParts),
    tiers: paths(form.tiers),
    ambiguous: paths(form.ambiguous),
    known: paths(form.known),
    ...(original !== undefined && { original: path(original) }),
    ...(writeParts !== undefined && { writeParts: path(writeParts) }),
    ...(searchContext !== undefined && { searchContext: path(searchContext) }),
    ...(tools && { tools: { used: path(tools.used), details: paths(tools.details) } }),
    ...(turns && { turns: { ...turns, path: path(turns.path) } }),
  };
}
