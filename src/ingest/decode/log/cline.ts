/**
 * Cline's event `task.tokens`, one for each request. Its input does not include cached tokens, so these are added here.
 */
import type { Usage } from "../../../ledger/call.ts";
import { canonicalProvider } from "../../../pricing/provider.ts";
import { coverOfCline } from "../covered-by.ts";
import { readingOf } from "../item.ts";
import { NO_COST, statedUsd } from "../reported-cost.ts";
import { textOf } from "../span/span.ts";
import { callOf, countsOf, endOf, eventTimeOf, text, userOf } from "./fields.ts";
import type { LogEmitter } from "./record.ts";

const AGENT = "cline";
const PREFIX = "task.";
const TASK = "ulid";
const MODEL = "model";
const PROVIDER = "provider";
const COST = "totalCost";

const COUNTS = {
  inputTokens: "tokensIn",
  outputTokens: "tokensOut",
  cacheReadTokens: "cacheReadTokens",
  cacheWriteTokens: "cacheWriteTokens",
} as const satisfies Partial<Record<keyof Usage, string>>;

/** Its names of settings for one provider. */
const PROVIDERS = new Map([
  ["openai-native", "openai"],
  ["openai-codex", "openai"],
  ["claude-code", "anthropic"],
  ["bedrock", "aws"],
  ["vertex", "google"],
  ["gemini", "google"],
  ["qwen", "alibaba"],
]);

/** @param named as Cline names it, on its records and in its files. */
export function clineProvider(named: string | undefined): string | undefined {
  return named === undefined ? undefined : (PROVIDERS.get(named) ?? canonicalProvider(named));
}

export const CLINE: LogEmitter = {
  agent: AGENT,
  prefix: PREFIX,
  events: new Set(["tokens"]),
  attributes: [TASK, MODEL, PROVIDER, COST, ...Object.values(COUNTS)],
  toCall(record, event, { nowMs, persons }) {
    const { attributes } = record;
    // Other programs may have tasks with tokens.
    if (!attributes.has(COUNTS.inputTokens) && !attributes.has(COUNTS.outputTokens)) return null;
    const sessionId = text(attributes, [TASK], "task");
    const usage = countsOf(attributes, COUNTS);
    const counts = [usage.inputTokens, usage.cacheReadTokens, usage.cacheWriteTokens, usage.outputTokens];
    if (usage.inputTokens !== null) usage.inputTokens += (usage.cacheReadTokens ?? 0) + (usage.cacheWriteTokens ?? 0);
    const sentProvider = text(attributes, [PROVIDER], PROVIDER);
    const model = text(attributes, [MODEL], MODEL) ?? "unknown";
    const cost = attributes.get(COST);
    return callOf(
      {
        record,
        agent: AGENT,
        rule: PREFIX + event,
        clientId: [AGENT, sessionId ?? "", eventTimeOf(record) ?? endOf(record), model, counts.join("/")].join(":"),
        responseId: null,
        durationUs: null,
        provider: clineProvider(sentProvider ?? undefined) ?? "unknown",
        sentProvider,
        model,
        requestModel: textOf(attributes, [MODEL]),
        reading: readingOf(usage, "exclusive: cache added"),
        serviceTier: null,
        coveredBy: coverOfCline(sentProvider),
        userId: userOf(record, persons),
        sessionId,
        tags: {},
        failed: false,
        cost: cost === undefined ? NO_COST : statedUsd(COST, cost),
      },
      nowMs,
    );
  },
};
