/** Reads the usage objects that providers write, in the way in which each form counts. */
import { COUNT_FIELDS, MAX_TOKENS, NO_USAGE, type Usage } from "../../ledger/call.ts";
import { FORMS, type Form } from "./provider-usage-forms.ts";
import { objectOrNull } from "./span/span.ts";

export interface ProviderUsage {
  usage: Usage;
  /** The provider that writes this form. */
  form: string;
}

type Json = Record<string, unknown>;

/**
 * Reads a usage object. Its form is found by its shape and by the provider of the call, if that is known.
 *
 * @returns null if the value is not a usage object, or if a count is not a whole number in range. Counts may still
 * contradict each other, which `contradiction` finds.
 */
export function readProviderUsage(value: unknown, provider: string | null = null): ProviderUsage | null {
  const object = objectOrNull(value);
  if (object === null) return null;
  const form = FORMS.find((form) => fits(form, object, provider));
  if (form === undefined) return null;
  const usage: Usage = { ...NO_USAGE };
  for (const field of COUNT_FIELDS) usage[field] = countOf(form, field, object);
  if (reasoningIsOutside(form, usage, object)) usage.outputTokens! += usage.reasoningTokens!;
  const told = form.cachedParts?.some((path) => valueAt(object, path) !== undefined) ?? true;
  if (!told && (usage.cacheReadTokens ?? 0) > 0) usage.inputImageTokens = null;
  if (COUNT_FIELDS.some((field) => Number.isNaN(usage[field]))) return null;
  if (usage.inputTokens === null && usage.outputTokens === null) return null;
  return { usage, form: form.name };
}

function fits({ provider, marks, unless = [] }: Form, object: Json, ofCall: string | null): boolean {
  if (provider !== undefined && provider !== ofCall) return false;
  const isThere = (path: string): boolean => valueAt(object, path) !== undefined;
  return marks.some(isThere) && !unless.some(isThere);
}

function countOf(form: Form, field: keyof Usage, object: Json): number | null {
  let count: number | null = null;
  for (const path of form.counts[field] ?? []) if ((count = countAt(object, path)) !== null) break;
  const isTotal = field === "inputTokens" || field === "outputTokens";
  if (count === null && isTotal && form.omitsZeros !== true) return null;
  for (const path of form.add?.[field] ?? []) {
    const part = countAt(object, path);
    if (part !== null) count = (count ?? 0) + part;
  }
  if (count === null) return null;
  return (form.takeOff?.[field] ?? []).reduce((left, path) => left - (countAt(object, path) ?? 0), count);
}

function reasoningIsOutside({ reasoning }: Form, usage: Usage, object: Json): boolean {
  const { inputTokens, outputTokens, reasoningTokens } = usage;
  if (reasoning === undefined || outputTokens === null || reasoningTokens === null) return false;
  const total = countAt(object, "total_tokens");
  const stated = (inputTokens ?? 0) + outputTokens;
  if (total === stated) return false;
  return total === stated + reasoningTokens || reasoning === "outside";
}

/** The count at a path of keys. Null if there is no value, NaN if the value is not a count. */
export function countAt(object: Json, path: string): number | null {
  const value = valueAt(object, path);
  if (value === undefined || value === null) return null;
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= MAX_TOKENS ? (value as number) : NaN;
}

function valueAt(object: Json, path: string): unknown {
  if (!path.includes(".")) return Object.hasOwn(object, path) ? object[path] : undefined;
  let value: unknown = object;
  for (const key of path.split(".")) {
    if (Array.isArray(value)) value = ofModality(value, key);
    else {
      const owner = objectOrNull(value);
      value = owner !== null && Object.hasOwn(owner, key) ? owner[key] : undefined;
    }
  }
  return value;
}

/** The tokens of one modality in Google's lists. Undefined if it is not listed. */
function ofModality(details: readonly unknown[], modality: string): number | undefined {
  const counts = details
    .map(objectOrNull)
    .filter((detail) => detail?.["modality"] === modality)
    .map((detail) => countAt(detail!, "tokenCount") ?? 0);
  return counts.length === 0 ? undefined : counts.reduce((sum, count) => sum + count);
}
