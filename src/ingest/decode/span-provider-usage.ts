/**
 * Usage objects as providers themselves write them. Each provider counts in its own way; the table
 * says which keys hold which count and what has to be added to make the totals inclusive.
 */
import { MAX_TOKENS, type Usage } from "../trace.ts";
import { objectOrNull } from "./span.ts";

export const NO_USAGE: Readonly<Usage> = {
  inputTokens: null,
  outputTokens: null,
  cacheReadTokens: null,
  cacheWriteTokens: null,
  cacheWrite5mTokens: null,
  cacheWrite1hTokens: null,
  reasoningTokens: null,
  inputAudioTokens: null,
  outputAudioTokens: null,
};
export const COUNT_FIELDS = Object.keys(NO_USAGE) as (keyof Usage)[];

export interface ProviderUsage {
  usage: Usage;
  /** The provider whose form it is. */
  form: string;
}

interface Form {
  name: string;
  /** Any of these keys marks the form. */
  marks: readonly string[];
  counts: Partial<Record<keyof Usage, readonly string[]>>;
  /** Counts outside the stated total, as paths of keys. */
  addToInput?: readonly string[];
  addToOutput?: readonly string[];
}

/** In order: the first form with a mark in the object is taken. Paths are keys joined by dots. */
const FORMS: readonly Form[] = [
  {
    name: "google",
    marks: ["promptTokenCount", "candidatesTokenCount"],
    counts: {
      inputTokens: ["promptTokenCount"],
      outputTokens: ["candidatesTokenCount"],
      cacheReadTokens: ["cachedContentTokenCount"],
      reasoningTokens: ["thoughtsTokenCount"],
    },
    addToInput: ["toolUsePromptTokenCount"],
    addToOutput: ["thoughtsTokenCount"],
  },
  {
    name: "bedrock",
    marks: ["cacheReadInputTokens", "cacheWriteInputTokens"],
    counts: {
      inputTokens: ["inputTokens"],
      outputTokens: ["outputTokens"],
      cacheReadTokens: ["cacheReadInputTokens"],
      cacheWriteTokens: ["cacheWriteInputTokens"],
    },
    addToInput: ["cacheReadInputTokens", "cacheWriteInputTokens"],
  },
  {
    name: "anthropic",
    marks: ["cache_read_input_tokens", "cache_creation_input_tokens", "cache_creation"],
    counts: {
      inputTokens: ["input_tokens"],
      outputTokens: ["output_tokens"],
      cacheReadTokens: ["cache_read_input_tokens"],
      cacheWriteTokens: ["cache_creation_input_tokens"],
      cacheWrite5mTokens: ["cache_creation.ephemeral_5m_input_tokens"],
      cacheWrite1hTokens: ["cache_creation.ephemeral_1h_input_tokens"],
      reasoningTokens: ["output_tokens_details.thinking_tokens"],
    },
    addToInput: ["cache_read_input_tokens", "cache_creation_input_tokens"],
  },
  {
    name: "langchain",
    marks: ["input_token_details", "output_token_details"],
    counts: {
      inputTokens: ["input_tokens"],
      outputTokens: ["output_tokens"],
      cacheReadTokens: ["input_token_details.cache_read"],
      cacheWriteTokens: ["input_token_details.cache_creation"],
      reasoningTokens: ["output_token_details.reasoning"],
      inputAudioTokens: ["input_token_details.audio"],
      outputAudioTokens: ["output_token_details.audio"],
    },
  },
  {
    name: "openai",
    marks: ["prompt_tokens", "completion_tokens", "input_tokens", "output_tokens"],
    counts: {
      inputTokens: ["prompt_tokens", "input_tokens"],
      outputTokens: ["completion_tokens", "output_tokens"],
      cacheReadTokens: ["prompt_tokens_details.cached_tokens", "input_tokens_details.cached_tokens"],
      cacheWriteTokens: ["prompt_tokens_details.cache_write_tokens", "input_tokens_details.cache_write_tokens"],
      reasoningTokens: ["completion_tokens_details.reasoning_tokens", "output_tokens_details.reasoning_tokens"],
      inputAudioTokens: ["prompt_tokens_details.audio_tokens", "input_tokens_details.audio_tokens"],
      outputAudioTokens: ["completion_tokens_details.audio_tokens", "output_tokens_details.audio_tokens"],
    },
  },
];

/** @returns null for what is not a usage object, or has a count that is no whole number in range. */
export function readProviderUsage(value: unknown): ProviderUsage | null {
  const object = objectOrNull(value);
  if (object === null) return null;
  const form = FORMS.find(({ marks }) => marks.some((mark) => Object.hasOwn(object, mark)));
  if (form === undefined) return null;
  const usage: Usage = { ...NO_USAGE };
  for (const field of COUNT_FIELDS) usage[field] = firstCount(object, form.counts[field] ?? []);
  usage.inputTokens = plus(usage.inputTokens, object, form.addToInput);
  usage.outputTokens = plus(usage.outputTokens, object, form.addToOutput);
  if (form.name === "google") {
    usage.inputAudioTokens = audioOf(object["promptTokensDetails"]);
    usage.outputAudioTokens = audioOf(object["candidatesTokensDetails"]);
  }
  if (COUNT_FIELDS.some((field) => Number.isNaN(usage[field]))) return null;
  if (usage.inputTokens === null && usage.outputTokens === null) return null;
  return { usage, form: form.name };
}

/** The count at a path of keys: null where there is none, NaN where there is something else. */
export function countAt(object: Record<string, unknown>, path: string): number | null {
  let value: unknown = object;
  for (const key of path.split(".")) {
    const owner = objectOrNull(value);
    value = owner !== null && Object.hasOwn(owner, key) ? owner[key] : undefined;
  }
  if (value === undefined || value === null) return null;
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= MAX_TOKENS ? (value as number) : NaN;
}

function firstCount(object: Record<string, unknown>, paths: readonly string[]): number | null {
  for (const path of paths) {
    const count = countAt(object, path);
    if (count !== null) return count;
  }
  return null;
}

function plus(total: number | null, object: Record<string, unknown>, paths: readonly string[] = []): number | null {
  return paths.reduce((sum, path) => {
    const part = countAt(object, path);
    return part === null ? sum : (sum ?? 0) + part;
  }, total);
}

/** Google counts each modality apart, inside the total. */
function audioOf(details: unknown): number | null {
  if (!Array.isArray(details)) return null;
  const audio = details.map(objectOrNull).find((detail) => detail?.["modality"] === "AUDIO");
  return audio ? countAt(audio, "tokenCount") : null;
}
