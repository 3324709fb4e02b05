/**
 * What providers' own tools did for an answer. Usage objects leave that out; the answer itself lists it. Nothing that
 * was said is read.
 */
import { hasUnits } from "../../ledger/buckets.ts";
import type { Usage } from "../../ledger/call.ts";
import { countOf, objectOrNull, type Json } from "./usage-objects/paths.ts";

export interface ToolCalls {
  counts: Partial<Usage>;
  /** What has a price that no count here expresses. */
  ambiguous: string | null;
  /** Types of items that no rule knows. */
  unknown: readonly string[];
}

const NONE: ToolCalls = { counts: {}, ambiguous: null, unknown: [] };

/**
 * Items of a Response by type: the count they add to, `free` if they cost nothing beside tokens, or `priced` if they
 * do. https://developers.openai.com/api/docs/pricing#built-in-tools
 */
const ITEMS: Readonly<Record<string, keyof Usage | "free" | "priced">> = {
  web_search_call: "webSearches",
  file_search_call: "fileSearches",
  // A container is billed by its size and time, an image by the tokens of the model that made it.
  code_interpreter_call: "priced",
  shell_call: "priced",
  image_generation_call: "priced",
  ...Object.fromEntries(
    [
      "message",
      "reasoning",
      "compaction",
      "function_call",
      "custom_tool_call",
      "mcp_call",
      "mcp_list_tools",
      "mcp_approval_request",
      "computer_call",
      "local_shell_call",
      "apply_patch_call",
      "tool_search_call",
      "function_call_output",
      "custom_tool_call_output",
      "shell_call_output",
      "tool_search_output",
    ].map((type) => [type, "free"] as const),
  ),
};

/**
 * @param answer a response of OpenAI's Responses API, or one of Google's.
 * @param usage as far as it is told. If it counts any tools, as xAI's does, the items are no more than attempts.
 */
export function toolCallsOf(answer: Json, usage: Usage): ToolCalls {
  if (hasUnits(usage)) return NONE;
  const { output } = answer;
  if (Array.isArray(output)) return ofResponse(answer, output);
  return ofGrounding(answer);
}

function ofResponse(answer: Json, output: readonly unknown[]): ToolCalls {
  const counts: Partial<Usage> = {};
  const unknown = new Set<string>();
  let ambiguous: string | null = null;
  for (const listed of output) {
    const item = objectOrNull(listed);
    const type = item?.["type"];
    if (typeof type !== "string") continue;
    const field = Object.hasOwn(ITEMS, type) ? ITEMS[type] : undefined;
    if (field === "free" || (field === "webSearches" && !isSearch(item!))) continue;
    if (field === "priced") ambiguous ??= `${type} has no price of its own`;
    else if (field === undefined) unknown.add(`output.${type.slice(0, 50)}`);
    else counts[field] = (counts[field] ?? 0) + 1;
  }
  const used = objectOrNull(answer["tool_usage"]) ?? {};
  const told = countOf(objectOrNull(used["web_search"])?.["num_requests"]);
  if (told !== null && !Number.isNaN(told)) counts.webSearches = told;
  const images = objectOrNull(used["image_gen"]) ?? {};
  if (Object.values(images).some((count) => typeof count === "number" && count > 0)) {
    ambiguous ??= "image_gen has no price of its own";
  }
  if ((counts.webSearches ?? 0) > 0 && hasAnotherPrice(answer))
    ambiguous ??= "searches of this model have another price";
  return { counts, ambiguous, unknown: [...unknown] };
}

/** Opening a page that was found, or finding a text in it, is no search. */
function isSearch(item: Json): boolean {
  const action = objectOrNull(item["action"])?.["type"] ?? "search";
  return action === "search";
}

const WITHOUT_REASONING = /^gpt-4/;
const IN_BLOCKS = /^gpt-4(?:o|\.1)-mini/;

/**
 * What small models find is billed in blocks of tokens, and the older tool costs more with models that do not reason. A
 * Response repeats the tools that it was given.
 */
function hasAnotherPrice({ tools, model }: Json): boolean {
  if (typeof model !== "string" || !WITHOUT_REASONING.test(model)) return false;
  const isOlder = (tool: unknown): boolean => String(objectOrNull(tool)?.["type"]).startsWith("web_search_preview");
  return IN_BLOCKS.test(model) || (Array.isArray(tools) && tools.some(isOlder));
}

/** What Google grounded an answer with, in either spelling: its queries, or sources that it found without telling them. */
function ofGrounding(answer: Json): ToolCalls {
  const { candidates } = answer;
  const grounded = [answer, ...(Array.isArray(candidates) ? candidates.map(objectOrNull) : [])];
  let searches = 0;
  let inMaps = false;
  for (const owner of grounded) {
    const metadata = objectOrNull(owner?.["groundingMetadata"] ?? owner?.["grounding_metadata"]);
    if (metadata === null) continue;
    const chunks = listOf(metadata, "groundingChunks", "grounding_chunks").map(objectOrNull);
    const queries = listOf(metadata, "webSearchQueries", "web_search_queries").length;
    searches += queries > 0 ? queries : chunks.some((chunk) => objectOrNull(chunk?.["web"]) !== null) ? 1 : 0;
    inMaps ||= chunks.some((chunk) => objectOrNull(chunk?.["maps"]) !== null);
  }
  const counts = searches > 0 ? { webSearches: searches } : {};
  // Billed by the prompt, after some free ones each day: https://ai.google.dev/gemini-api/docs/pricing
  return { ...NONE, counts, ambiguous: inMaps ? "grounding in maps has no price of its own" : null };
}

function listOf(metadata: Json, name: string, inPython: string): readonly unknown[] {
  const list = metadata[name] ?? metadata[inPython];
  return Array.isArray(list) ? (list as unknown[]) : [];
}
