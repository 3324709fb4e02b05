/** The usage of an entry of LiteLLM's: its own object, the one that its provider wrote, or its plain counts. */
import { hasUnits } from "../../ledger/buckets.ts";
import { COUNT_FIELDS, MAX_TOKENS, NO_USAGE, type Usage } from "../../ledger/call.ts";
import { ItemRefused, type Reading, readingOf } from "./item.ts";
import { takeLargerTotals } from "./larger-totals.ts";
import {
  type ProviderUsage,
  readBy,
  readerOf,
  readProviderUsage,
  wrongCountBy,
  wrongCountIn,
} from "./provider-usage.ts";
import { toolCallsOf } from "./tool-calls.ts";
import { LITELLM, LITELLM_PERPLEXITY } from "./usage-objects/emitters.ts";
import { countAt, type Json, objectOrNull } from "./usage-objects/paths.ts";
import { XAI } from "./usage-objects/xai.ts";

interface Status {
  failed: boolean;
  fromCache: boolean;
}

interface LitellmUsage extends Reading {
  tier: string | null;
  reportedCostPico: bigint | null;
  unknown: readonly string[];
}

const NO_READING = { tier: null, reportedCostPico: null, unknown: [], doubt: null } as const;

/** @throws ItemRefused where a count is none. */
export function litellmUsageOf(entry: Json, metadata: Json, provider: string, status: Status): LitellmUsage {
  const none = { ...NO_USAGE, inputTokens: 0, outputTokens: 0 };
  // LiteLLM repeats the counts of the answer that it kept; no provider has counted them again.
  if (status.fromCache) return { ...NO_READING, usage: none, semantics: "cache hit: nothing used" };
  const provided = usageObject(metadata["usage_object"], provider);
  const { tier = null, reportedCostPico = null, unknown = [] } = provided ?? {};
  const usage = { ...(provided?.usage ?? NO_USAGE) };
  const plain = { inputTokens: count(entry, "prompt_tokens"), outputTokens: count(entry, "completion_tokens") };
  const semantics = [provided?.semantics ?? "inclusive", ...takeLargerTotals(usage, plain, "the entry")];
  const tools = toolCallsOf(objectOrNull(entry["response"]) ?? {}, usage);
  for (const field of COUNT_FIELDS) usage[field] = tools.counts[field] ?? usage[field];
  const ambiguous = provided?.ambiguous ?? tools.ambiguous ?? untoldTools(entry, usage);
  if ((usage.inputTokens ?? 0) > 0 || (usage.outputTokens ?? 0) > 0) {
    return { ...readingOf(usage, semantics.join("; "), ambiguous), tier, reportedCostPico, unknown };
  }
  if (status.failed) return { ...NO_READING, usage: none, semantics: "failed: nothing used" };
  // No answer comes without tokens: then its zeros stand for counts that LiteLLM does not have.
  const units = { ...usage, inputTokens: null, outputTokens: null };
  const reading = hasUnits(units) ? readingOf(units, semantics.join("; "), ambiguous) : null;
  return { ...(reading ?? { usage: NO_USAGE, semantics: "", doubt: null }), tier, reportedCostPico, unknown };
}

/** LiteLLM's own cost may have a part for tools whose calls are told nowhere. */
function untoldTools(entry: Json, usage: Usage): string | null {
  const cost = objectOrNull(entry["cost_breakdown"])?.["tool_usage_cost"];
  return typeof cost === "number" && cost > 0 && !hasUnits(usage) ? "tools at a cost, but not their calls" : null;
}

const OWN = readerOf(LITELLM);
const OF_PERPLEXITY = readerOf(LITELLM_PERPLEXITY);

type Provided = Omit<ProviderUsage, "form"> & { semantics: string };

/**
 * LiteLLM's own form, or that of a provider where it passes one on.
 *
 * @throws ItemRefused where a count is none.
 */
function usageObject(value: unknown, provider: string): Provided | null {
  const object = objectOrNull(value);
  if (object === null) return null;
  // Its tools are the provider's own, and LiteLLM's counts leave some of them out.
  const isPassedOn = XAI.marks.some((mark) => Object.hasOwn(object, mark));
  const isOwn = Object.hasOwn(object, "prompt_tokens") && !isPassedOn;
  const own = provider === "perplexity" ? OF_PERPLEXITY : OWN;
  const read = isOwn ? readBy(own, object) : readProviderUsage(object, provider);
  if (read === null) {
    const wrong = isOwn ? wrongCountBy(own, object) : wrongCountIn(object, provider);
    if (wrong !== null) throw notACount(`usage_object.${wrong}`);
    return null;
  }
  const { usage } = read;
  const semantics = [`provider usage (${read.form})`];
  if (isOwn) semantics.push(...addWhatExceeds(usage));
  return { ...read, semantics: semantics.join("; ") };
}

/** Some providers' counts reach LiteLLM without their cached tokens or reasoning. */
function addWhatExceeds(usage: Usage): string[] {
  const added: string[] = [];
  const cached = (usage.cacheReadTokens ?? 0) + (usage.cacheWriteTokens ?? 0);
  if (usage.inputTokens !== null && cached > usage.inputTokens) {
    usage.inputTokens += cached;
    added.push("exclusive: cache added, as it exceeded the input");
  }
  const reasoning = usage.reasoningTokens ?? 0;
  if (usage.outputTokens !== null && reasoning > usage.outputTokens) {
    usage.outputTokens += reasoning;
    added.push("reasoning added to output");
  }
  return added;
}

function count(entry: Json, field: string): number | null {
  const value = countAt(entry, field);
  if (Number.isNaN(value)) throw notACount(field);
  return value;
}

function notACount(what: string): ItemRefused {
  return new ItemRefused(`${what} must be a whole number from 0 to ${MAX_TOKENS}`);
}
