/** Reads the usage objects that providers write, in the way in which each form counts. */
import { COUNT_FIELDS, NO_USAGE, type Usage } from "../../ledger/call.ts";
import type { CountField } from "../../ledger/counts.ts";
import { COST_PATHS, costIn } from "./reported-cost.ts";
import { joinTiers, tierText } from "./tiers.ts";
import type { Form } from "./usage-objects/form.ts";
import { FORMS } from "./usage-objects/forms.ts";
import {
  countOf,
  type Json,
  type Keys,
  keysOf,
  objectOrNull,
  type ReadPaths,
  readPaths,
  unknownMembers,
  valueAt,
} from "./usage-objects/paths.ts";

export interface ProviderUsage {
  usage: Usage;
  /** The provider that writes this form. */
  form: string;
  /** Tier, speed and place of the call, as the object says them, joined by `+`; null where it says none. */
  tier: string | null;
  /** What is ambiguous, in words: no cost is honest then. */
  ambiguous: string | null;
  /** The provider's own cost. */
  reportedCostPico: bigint | null;
  /** Paths of members that no rule reads, and of costs that cannot be read. */
  unknown: readonly string[];
}

/** A form with its paths split, so that no call pays for that. */
interface Reader {
  form: Form;
  marks: readonly Keys[];
  unless: readonly Keys[];
  original: Keys | null;
  fields: readonly FieldReader[];
  cachedParts: readonly Keys[] | null;
  outputParts: readonly Keys[];
  writeParts: Keys | null;
  tiers: readonly Keys[];
  searchContext: Keys | null;
  ambiguous: readonly Keys[];
  tools: { used: Keys; details: readonly Keys[] } | null;
  turns: { path: Keys; types: readonly string[]; reader: Reader } | null;
  paths: ReadPaths;
}

interface FieldReader {
  field: CountField;
  counts: readonly Keys[];
  add: readonly Keys[];
  takeOff: readonly Keys[];
}

export function readerOf(form: Form): Reader {
  const { turns, ...ofTurn } = form;
  const split = (path: string | undefined): Keys | null => path?.split(".") ?? null;
  const { counts, add, takeOff, tools } = form;
  return {
    form,
    marks: keysOf(form.marks),
    unless: keysOf(form.unless),
    original: split(form.original),
    fields: COUNT_FIELDS.filter((field) => counts[field] ?? add?.[field]).map((field) => ({
      field,
      counts: keysOf(counts[field]),
      add: keysOf(add?.[field]),
      takeOff: keysOf(takeOff?.[field]),
    })),
    cachedParts: form.cachedParts === undefined ? null : keysOf(form.cachedParts),
    outputParts: keysOf(form.outputParts),
    writeParts: split(form.writeParts),
    tiers: keysOf(form.tiers),
    searchContext: split(form.searchContext),
    ambiguous: keysOf(form.ambiguous),
    tools: tools === undefined ? null : { used: tools.used.split("."), details: keysOf(tools.details) },
    turns: turns ? { path: turns.path.split("."), types: turns.types, reader: readerOf(turns.form ?? ofTurn) } : null,
    paths: readPaths(form, COST_PATHS),
  };
}

const READERS = FORMS.map(readerOf);

/**
 * Reads a usage object. Its form is found by its shape and by the provider of the call, if that is known.
 *
 * @returns null if the value is not a usage object, or if a count is not a whole number in range. Counts may still
 * contradict each other, which `contradiction` finds.
 */
export function readProviderUsage(value: unknown, provider: string | null = null): ProviderUsage | null {
  const object = objectOrNull(value);
  const reader = object === null ? undefined : READERS.find((reader) => fits(reader, object, provider));
  if (reader === undefined) return null;
  const original = reader.original === null ? null : readProviderUsage(valueAt(object!, reader.original), provider);
  return original ?? readBy(reader, object!);
}

/** Reads an object whose form is known. */
export function readBy(reader: Reader, object: Json): ProviderUsage | null {
  const { form, paths } = reader;
  const top = countsOf(reader, object);
  const { usage, doubt } = turnsOf(reader, object, top);
  if (COUNT_FIELDS.some((field) => Number.isNaN(usage[field]))) return null;
  if (COUNT_FIELDS.every((field) => usage[field] === null)) return null;
  const cost = costIn(object);
  const overlap = overlapOf(reader, object, usage);
  // These are not certain then: some of them may be cached.
  if (overlap !== null) Object.assign(usage, { inputAudioTokens: null, inputImageTokens: null });
  return {
    usage,
    form: form.name,
    tier: tierOf(reader, object),
    ambiguous: doubt ?? ambiguityOf(reader, object, usage) ?? overlap,
    reportedCostPico: cost.pico,
    unknown: [...unknownMembers(paths, object), ...cost.unread],
  };
}

/**
 * The path of a count that the object's form reads, and that is none. Null where all of them are counts, or missing.
 */
export function wrongCountIn(value: unknown, provider: string | null = null): string | null {
  const object = objectOrNull(value);
  const reader = object === null ? undefined : READERS.find((reader) => fits(reader, object, provider));
  return reader === undefined ? null : wrongCountBy(reader, object!);
}

export function wrongCountBy(reader: Reader, object: Json): string | null {
  const paths = reader.fields.flatMap(({ counts, add, takeOff }) => [...counts, ...add, ...takeOff]);
  const wrong = paths.find((path) => Number.isNaN(countOf(valueAt(object, path))));
  if (wrong !== undefined) return wrong.join(".");
  const { turns } = reader;
  const listed = turns === null ? null : valueAt(object, turns.path);
  for (const turn of Array.isArray(listed) ? listed : []) {
    const within = wrongCountBy(turns!.reader, objectOrNull(turn) ?? {});
    if (within !== null) return `${turns!.path.join(".")}.${within}`;
  }
  return null;
}

function fits({ form: { provider }, marks, unless }: Reader, object: Json, ofCall: string | null): boolean {
  if (provider !== undefined && provider !== ofCall) return false;
  const isThere = (keys: Keys): boolean => valueAt(object, keys) !== undefined;
  return marks.some(isThere) && !unless.some(isThere);
}

function countsOf(reader: Reader, object: Json): Usage {
  const { form, cachedParts, outputParts } = reader;
  const usage: Usage = { ...NO_USAGE };
  for (const by of reader.fields) usage[by.field] = fieldOf(form, by, object);
  const { cacheWrite5mTokens, cacheWrite1hTokens } = usage;
  const writes = (cacheWrite5mTokens ?? 0) + (cacheWrite1hTokens ?? 0);
  // Some state the parts alone, beside a total of 0.
  if (writes > 0 && (usage.cacheWriteTokens ?? 0) === 0) usage.cacheWriteTokens = writes;
  for (const total of ["inputTokens", "outputTokens"] as const) {
    for (const part of form.leavesOut?.[total] ?? []) {
      if (usage[part] !== null && (usage[total] !== null || form.omitsZeros === true))
        usage[total] = (usage[total] ?? 0) + usage[part];
    }
  }
  if (reasoningIsOutside(form, usage, object)) usage.outputTokens! += usage.reasoningTokens!;
  if (outputParts.some((path) => valueAt(object, path) !== undefined)) {
    usage.outputAudioTokens ??= 0;
    usage.outputImageTokens ??= 0;
  }
  if (cachedParts !== null && form.imagesMatter !== true && isCachedUnsplit(reader, object, usage))
    usage.inputImageTokens = null;
  return usage;
}

function fieldOf({ omitsZeros, fillsZeros }: Form, by: FieldReader, object: Json): number | null {
  const { field, counts, add, takeOff } = by;
  let count: number | null = null;
  for (const path of counts) {
    const found = countOf(valueAt(object, path));
    if (found === null) continue;
    count = count === null ? found : Math.max(count, found);
    if (fillsZeros !== true) break;
  }
  if (count === null && (field === "inputTokens" || field === "outputTokens") && omitsZeros !== true) return null;
  for (const path of add) {
    const part = countOf(valueAt(object, path));
    if (part !== null) count = (count ?? 0) + part;
  }
  if (count === null) return null;
  for (const path of takeOff) count -= countOf(valueAt(object, path)) ?? 0;
  return count;
}

function reasoningIsOutside({ reasoning }: Form, usage: Usage, object: Json): boolean {
  const { inputTokens, outputTokens, reasoningTokens } = usage;
  if (reasoning === undefined || outputTokens === null || reasoningTokens === null) return false;
  const total = countOf(object["total_tokens"]);
  const stated = (inputTokens ?? 0) + outputTokens;
  if (total === stated) return false;
  return total === stated + reasoningTokens || reasoning === "outside";
}

/** The sum of the turns that are billed, where the object lists them, beside what is only in the top-level counts. */
function turnsOf({ turns }: Reader, object: Json, top: Usage): { usage: Usage; doubt: string | null } {
  const listed = turns === null ? null : valueAt(object, turns.path);
  if (turns === null || !Array.isArray(listed) || listed.length === 0) return { usage: top, doubt: null };
  const sum: Usage = { ...NO_USAGE };
  for (const listedTurn of listed) {
    const turn = objectOrNull(listedTurn) ?? {};
    // A turn of another model, as an adviser's, has that model's price.
    if (!turns.types.includes(turn["type"] as string)) {
      return { usage: top, doubt: `a turn of type ${String(turn["type"]).slice(0, 50)}` };
    }
    const usage = countsOf(turns.reader, turn);
    if (usage.inputTokens === null || usage.outputTokens === null) {
      return { usage: top, doubt: "a turn without its input or output" };
    }
    for (const field of COUNT_FIELDS) {
      if (usage[field] !== null) sum[field] = (sum[field] ?? 0) + usage[field];
    }
  }
  for (const field of COUNT_FIELDS) sum[field] ??= top[field];
  const isLess = sum.inputTokens! < (top.inputTokens ?? 0) || sum.outputTokens! < (top.outputTokens ?? 0);
  return isLess ? { usage: top, doubt: "its turns add up to less than its totals" } : { usage: sum, doubt: null };
}

/** True if cached tokens may be audio or images, and the object does not say how many of them are. */
function isCachedUnsplit({ cachedParts }: Reader, object: Json, usage: Usage): boolean {
  return (
    cachedParts !== null &&
    (usage.cacheReadTokens ?? 0) > 0 &&
    !cachedParts.some((path) => isSaid(valueAt(object, path)))
  );
}

function isSaid(value: unknown): boolean {
  return value !== undefined && value !== null;
}

function ambiguityOf(reader: Reader, object: Json, usage: Usage): string | null {
  const { ambiguous, tools, writeParts, tiers } = reader;
  const member = ambiguous.find((path) => holdsAny(valueAt(object, path)));
  if (member !== undefined) return `${member.join(".")} has no price of its own`;
  if (tools !== null && holdsAny(valueAt(object, tools.used)) && !tools.details.some((path) => valueAt(object, path))) {
    return `${tools.used.join(".")} without their kinds`;
  }
  if (tiers.some((path) => tierText(valueAt(object, path)) === undefined)) return "a tier that is no text";
  if (writeParts !== null) {
    const parts = (usage.cacheWrite5mTokens ?? 0) + (usage.cacheWrite1hTokens ?? 0);
    const listed = valueAt(object, writeParts);
    const isSplit = parts > 0 || (Array.isArray(listed) && listed.length > 0);
    if (isSplit && parts < (usage.cacheWriteTokens ?? 0))
      return "the parts of its cache writes are less than the whole";
  }
  return null;
}

/** What cached tokens and others may have in common. */
function overlapOf(reader: Reader, object: Json, usage: Usage): string | null {
  if (!isCachedUnsplit(reader, object, usage)) return null;
  if ((usage.inputAudioTokens ?? 0) > 0) return "it does not say which cached tokens are audio";
  return reader.form.imagesMatter === true && (usage.inputImageTokens ?? 0) > 0
    ? "it does not say which cached tokens are images"
    : null;
}

/** True if a member says that something was used: a number above 0, true, or an object or list with such a member. */
function holdsAny(value: unknown): boolean {
  if (typeof value === "object" && value !== null) return Object.values(value).some(holdsAny);
  return value === true || (typeof value === "number" && value > 0);
}

function tierOf({ tiers, searchContext }: Reader, object: Json): string | null {
  const said: (string | null)[] = [];
  for (const path of tiers) said.push(tierText(valueAt(object, path)) ?? null);
  const context = searchContext === null ? null : tierText(valueAt(object, searchContext));
  if (context) said.push(`search-${context}`);
  return joinTiers(...said);
}
