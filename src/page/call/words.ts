/** Why a call counts or not, why it has no cost, and how its usage was read: sentences for people. */
import type { components, operations } from "../api.d.ts";

type Call = components["schemas"]["Trace"];

export type Standing = "counted" | "wrapper" | "within" | "double" | "cached";

export interface Decision {
  standing: Standing;
  title: string;
  sentence: string;
}

const CACHE_HIT = "litellm cache_hit";
const NO_CALL_BELOW = "; no call below";
const WITHIN = "; another span of the call counts";
const TWICE = "; seen twice";

/** Which billing rule decided. `rule` is the rule that read the call, and then what other spans did to it. */
export function decisionOf({ rule, billable, cost_usd: cost }: Pick<Call, "rule" | "billable" | "cost_usd">): Decision {
  const title = cost === null ? "Counted, without a cost" : "Counted";
  const counts = cost === null ? "It is counted in every sum, as unpriced." : "It is in every sum.";
  if (rule.endsWith(NO_CALL_BELOW)) {
    return {
      standing: "counted",
      title,
      sentence: `${readBy(rule.slice(0, -NO_CALL_BELOW.length))} It is a span around calls, but no call has come below it. So it counts itself.`,
    };
  }
  if (billable) return { standing: "counted", title, sentence: `${readBy(rule)} ${counts}` };
  if (rule.endsWith(WITHIN)) {
    return {
      standing: "within",
      title: "Not counted: another span of the call counts",
      sentence: "Several spans tell of one call. One of them counts, so that the call is billed once.",
    };
  }
  if (rule.endsWith(TWICE)) {
    return {
      standing: "double",
      title: "Not counted: a second report of one response",
      sentence: "Another call with the same response id tells more of it, or came first. One response is billed once.",
    };
  }
  if (rule === CACHE_HIT) {
    return {
      standing: "cached",
      title: "Not counted: answered from a gateway’s cache",
      sentence: "No provider was asked, so nothing was billed.",
    };
  }
  return {
    standing: "wrapper",
    title: "Not counted: a span around calls",
    sentence: `${readBy(rule)} It repeats what the calls below it used, and these count.`,
  };
}

const AGENTS: readonly (readonly [prefix: string, name: string])[] = [
  ["claude_code.", "Claude Code"],
  ["codex.", "Codex"],
  ["gemini_cli.", "Gemini CLI"],
  ["qwen-code.", "Qwen Code"],
  ["task.", "Cline"],
];

/** What told the ledger that this is a call, or a span around calls. */
export function readBy(said: string): string {
  const rule = said.split("; ")[0]!;
  if (rule === "native") return "It was sent as a call, in the ledger’s own form.";
  if (rule === "litellm" || rule === CACHE_HIT) return "LiteLLM reported it as a call.";
  const agent = AGENTS.find(([prefix]) => rule.startsWith(prefix));
  if (agent) return `${agent[1]} reported it by its event ${rule}.`;
  if (rule === "gen_ai.client.inference.operation.details") return `It was reported by the event ${rule}.`;
  if (rule === "model and usage") return "Its span names a model and has usage.";
  if (rule === "usage without model") return "Its span has usage, but names no model.";
  return `Its span says so by the attribute ${rule}.`;
}

type Report = Reported["reports"][number];
type Reported = operations["getTrace"]["responses"][200]["content"]["application/json"];

const AHEAD: Readonly<Record<NonNullable<Report["decided_by"]>, string>> = {
  priced_counts: "The one that counts tells more of what is priced.",
  tokens: "The one that counts has more tokens.",
  cache_writes_by_age: "The one that counts tells how long its cache writes are kept.",
  user_and_session: "The one that counts names more of user and session.",
  answering_model: "The one that counts names the model that answered.",
  standard_tier: "The one that counts names the service tier.",
  began_first: "It tells as much as the one that counts, which began first.",
};

/** Why another report of the same call counts. */
export function decidedBy(reason: NonNullable<Report["decided_by"]>): string {
  return AHEAD[reason];
}

const FIELDS: Readonly<Record<string, string>> = {
  request_model: "the model that was asked for",
  user_id: "the user",
  session_id: "the session",
};

/** `tags.team` -> `the tag team`. */
export function fieldWords(field: string): string {
  return FIELDS[field] ?? field.replace(/^tags\./, "the tag ");
}

const UNPRICED: Readonly<Record<string, string>> = {
  usage_unknown: "The caller did not send how many tokens went in or came out. No price can help here.",
  usage_ambiguous: "What was sent can be read in several ways that cost differently. No price can help here.",
  usage_contradictory: "The counts that were sent contradict one another. No price can help here.",
  model_unknown: "No price covers the model.",
  tier_unknown: "The service tier has no price, and nobody publishes by how much it changes the standard price.",
  price_unknown: "The model has a price, but not for all that the call used.",
  price_zero: "The catalogue’s price for the model is 0, which means that it is missing.",
};

export interface Unpriced {
  sentence: string;
  /** A price would give the call a cost. */
  canBePriced: boolean;
}

/** Why there is no amount. */
export function unpricedOf(reason: string | null): Unpriced {
  const canBePriced = reason !== null && !reason.startsWith("usage_");
  return { sentence: UNPRICED[reason ?? ""] ?? `The reason is ${reason ?? "not stored"}.`, canBePriced };
}

const SEMANTICS: readonly (readonly [RegExp, (rest: string) => string])[] = [
  [/^inclusive$/, () => "Cached tokens are a part of the input that was sent, and reasoning is a part of the output."],
  [/^partitioned$/, () => "Each kind of tokens was sent by itself; together they are the input and the output."],
  [/^exclusive: cache added$/, () => "The input was sent without its cached tokens, so they were added to it."],
  [/^exclusive: cache added, (.*)$/, (rest) => `Cached tokens were added to the input, ${rest}.`],
  [/^reasoning added to output$/, () => "The output was sent without reasoning, so that was added to it."],
  [
    /^provider usage \((.*)\)$/,
    (form) => `The counts are from the provider’s own usage object, in the form of ${form}.`,
  ],
  [/^failed: nothing used$/, () => "The call failed and no usage was sent, so it used nothing."],
  [/^cache hit: nothing used$/, () => "A cache answered, so the provider used nothing."],
  [
    /^an estimate where the call was streamed$/,
    () => "If the call was streamed, its counts are an estimate of the sender.",
  ],
  [/^ambiguous: (.*)$/, (rest) => `It can be read in several ways: ${rest}.`],
  [/^contradictory: (.*)$/, (rest) => `It contradicts itself: ${rest}.`],
  [/^((?:input|output) from .*), which has more$/, (rest) => `The ${rest} was taken, because it has more.`],
];

/** How the raw usage became these counts. What is not known is said as it is stored. */
export function semanticsOf(semantics: string): string[] {
  if (semantics === "") return ["No usage was sent."];
  return semantics.split("; ").map((part) => {
    for (const [pattern, sentence] of SEMANTICS) {
      const match = pattern.exec(part);
      if (match !== null) return sentence(match[1] ?? "");
    }
    return part.charAt(0).toUpperCase() + part.slice(1) + (part.endsWith(".") ? "" : ".");
  });
}
