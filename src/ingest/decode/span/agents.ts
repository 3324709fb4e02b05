/**
 * Spans of coding agents that use names of their own. They are read as if they had the standard names, so that all
 * other rules exist once. The table names the agents by their scope.
 */
import { AGENT, type AgentTag } from "../../../ledger/agent-tags.ts";
import type { Usage } from "../../../ledger/call.ts";
import { unknownIn } from "../../../ledger/conversation.ts";
import { type CoveredBy, NOT_STORED } from "../../../ledger/covered-by.ts";
import { coverBySignIn, coverOfClaudeCode, coverOfCopilot, coverOfOpencode } from "../covered-by.ts";
import { claudeEvidenceOf, evidenceOf } from "../evidence.ts";
import {
  BARE,
  BUILT_IN,
  CLAUDE_TAGS,
  CLIENT_REQUEST_ID,
  CODEX_REASONING,
  CODEX_TOTAL,
  CONVERSATION,
  EFFORT,
  MODEL,
  PLAN,
  QUERY_SOURCE_SAFE,
  REQUEST_ID,
  SEAT_TYPE,
  SESSION_ID,
  SIGN_IN,
  SPAN_TYPE,
  THOUGHTS,
  THREAD,
} from "./agent-attributes.ts";
import {
  APPLICATION,
  COUNTS,
  NANO_AIU,
  OPERATION,
  PROVIDER,
  REQUEST_IDS,
  REQUEST_MODEL,
  SERVER,
} from "./attributes.ts";
import { type Persons, SESSION, USER } from "./context-attributes.ts";
import { claudeServedBy } from "../served.ts";
import { verdictOf } from "./rules.ts";
import { type Attributes, listOf, textOf, type AttributeValue, type Span, type SpanSource } from "./span.ts";

type Written = Map<string, AttributeValue>;

/** Finds an attribute in the span's surroundings. */
export type Look = (name: string) => AttributeValue | undefined;

interface Agent {
  /** The tag `agent`, and the application of spans that name no service. */
  name: string;
  scope: RegExp;
  /** The service, if the scope is that of a library. */
  service?: RegExp;
  /** Writes standard names. */
  write?: (attributes: Written, around: Look) => void;
  /** What pays for its calls. Unknown without it. */
  cover?: (attributes: Span["attributes"], provider: string) => CoveredBy;
}

const CLAUDE_CODE = "claude-code";

const AGENTS: readonly Agent[] = [
  { name: CLAUDE_CODE, scope: /^com\.anthropic\.claude_code\b/, write: writeClaudeCode, cover: claudeCodesCover },
  { name: "codex", scope: /^codex/, write: writeCodex, cover: signInsCover },
  { name: "gemini-cli", scope: /^gemini-cli$/, write: writeGeminiCli, cover: signInsCover },
  { name: "qwen-code", scope: /^qwen-code$/, write: writeQwenCode, cover: signInsCover },
  { name: "copilot", scope: /^(?:github\.copilot|copilot-chat)\b/, write: writeCopilot, cover: copilotsCover },
  {
    name: "copilot",
    scope: /^/,
    service: /^(?:github-copilot|copilot-chat)$/,
    write: writeCopilot,
    cover: copilotsCover,
  },
  { name: "opencode", scope: /^/, service: /^opencode$/, cover: (_, provider) => coverOfOpencode(provider, false) },
];

/** By source, because many spans share one. */
const agents = new WeakMap<SpanSource, Agent | null>();

function agentOf(source: SpanSource): Agent | null {
  let agent = agents.get(source);
  if (agent === undefined) {
    const service = textOf(source.resource, APPLICATION) ?? "";
    agent = AGENTS.find((of) => of.scope.test(source.scopeName) && (of.service?.test(service) ?? true)) ?? null;
    agents.set(source, agent);
  }
  return agent;
}

export function isOfAgent(source: SpanSource): boolean {
  return agentOf(source) !== null;
}

/** Releases of Codex that name the conversation on a turn alone call it a thread there. */
export function withConversation(span: Span): Span {
  const thread = span.attributes.get(THREAD);
  if (typeof thread !== "string" || span.attributes.has(CONVERSATION) || agentOf(span.source)?.name !== "codex")
    return span;
  return { ...span, attributes: new Map(span.attributes).set(CONVERSATION, thread) };
}

/** The span with standard names. One that is of no agent is returned as it is. */
export function asStandard(span: Span, around: Look, persons: Persons): Span {
  const agent = agentOf(span.source);
  if (agent === null) return span;
  const attributes: Written = new Map(span.attributes);
  const person = textOf(attributes, persons) ?? textOf(span.source.resource, persons);
  if (agent.write !== undefined && person !== null) attributes.set(USER[0]!, person);
  agent.write?.(attributes, around);
  const standard = { ...span, attributes };
  if (verdictOf(standard).kind === "call") {
    const service = textOf(span.source.resource, APPLICATION) ?? textOf(attributes, APPLICATION);
    if (service === null) set(attributes, APPLICATION[0]!, agent.name);
    tag(attributes, AGENT, agent.name);
    tag(attributes, "effort", textOf(attributes, EFFORT));
  }
  return standard;
}

/** Tags are read from attributes with such a prefix. */
function tag(attributes: Written, name: AgentTag, value: string | null): void {
  if (value === null) return;
  const attribute = `metadata.${name}`;
  if (!attributes.has(attribute)) set(attributes, attribute, value);
}

/** Older releases send bare counts alone, which leave out what was cached. A sub-agent's conversation is its own id. */
function writeClaudeCode(attributes: Written): void {
  set(attributes, SESSION[0]!, textOf(attributes, [SESSION_ID]));
  if (attributes.get(SPAN_TYPE) !== "llm_request") return;
  set(attributes, OPERATION[0]!, "chat");
  const source = textOf(attributes, [CLAUDE_TAGS.query_source, QUERY_SOURCE_SAFE])?.replaceAll(".", ":") ?? null;
  tag(attributes, "query_source", source);
  if (source?.startsWith(BUILT_IN) === true) tag(attributes, "subagent", source.slice(BUILT_IN.length));
  for (const [name, attribute] of Object.entries(CLAUDE_TAGS))
    tag(attributes, name as AgentTag, textOf(attributes, [attribute]));
  // The oldest releases with spans give the bare name alone, of the model that was asked for.
  const model = textOf(attributes, [MODEL]);
  if (model !== null && !REQUEST_MODEL.some((name) => attributes.has(name))) {
    set(attributes, REQUEST_MODEL[0]!, model);
    if (!PROVIDER.some((name) => attributes.has(name))) set(attributes, PROVIDER[0]!, claudeServedBy(model));
  }
  if (attributes.has(COUNTS.inputTokens[0]!)) return;
  const counts = [BARE.input, BARE.read, BARE.write].map((name) => attributes.get(name));
  if (typeof counts[0] !== "number") return;
  const input = counts.reduce<number>((sum, count) => sum + (typeof count === "number" ? count : 0), 0);
  set(attributes, COUNTS.inputTokens[0]!, input);
  set(attributes, COUNTS.outputTokens[0]!, attributes.get(BARE.output));
  set(attributes, COUNTS.cacheReadTokens![0]!, counts[1]);
  set(attributes, COUNTS.cacheWriteTokens![0]!, counts[2]);
}

/** The span with the counts of a response has no model: the request above it has. */
function writeCodex(attributes: Written, around: Look): void {
  if (!attributes.has(CODEX_TOTAL) || !attributes.has(COUNTS.outputTokens[0]!)) return;
  set(attributes, OPERATION[0]!, "chat");
  set(attributes, PROVIDER[0]!, "openai");
  set(attributes, REQUEST_MODEL[0]!, around(MODEL));
  set(attributes, CONVERSATION, around(CONVERSATION));
  set(attributes, COUNTS.reasoningTokens![0]!, attributes.get(CODEX_REASONING));
}

/** The records of a call have its counts, of which its span has a part at most. */
function writeGeminiCli(attributes: Written): void {
  if (textOf(attributes, OPERATION) !== "llm_call") return;
  for (const names of Object.values(COUNTS)) for (const name of names) attributes.delete(name);
}

/** Thoughts are outside the output of Gemini models, and inside that of others. */
function writeQwenCode(attributes: Written): void {
  const [output, thoughts] = [attributes.get(COUNTS.outputTokens[0]!), attributes.get(THOUGHTS)];
  set(attributes, COUNTS.reasoningTokens![0]!, thoughts);
  const isGoogle = /gemini|google|vertex/.test(textOf(attributes, PROVIDER) ?? "");
  if (isGoogle && typeof output === "number" && typeof thoughts === "number")
    set(attributes, COUNTS.outputTokens[0]!, output + thoughts);
}

/** With a provider of the user's own nothing is billed in credits, and models in OpenAI's form are still said to be GitHub's. */
function writeCopilot(attributes: Written): void {
  const isGitHub = textOf(attributes, PROVIDER) === "github";
  if (!isGitHub || attributes.has(NANO_AIU) || /github/.test(textOf(attributes, SERVER) ?? "")) return;
  set(attributes, PROVIDER[0]!, "openai");
}

/** What pays for the call. Only agents may have a plan. */
export function coverOf({ source, attributes }: Span, provider: string): CoveredBy {
  const agent = agentOf(source);
  return agent === null ? NOT_STORED : (agent.cover?.(attributes, provider) ?? "unknown");
}

function signInsCover(attributes: Span["attributes"]): CoveredBy {
  return coverBySignIn(textOf(attributes, SIGN_IN));
}

function claudeCodesCover(attributes: Span["attributes"], provider: string): CoveredBy {
  return coverOfClaudeCode(provider, textOf(attributes, [PLAN]), textOf(attributes, [SEAT_TYPE]));
}

function copilotsCover(attributes: Span["attributes"], provider: string): CoveredBy {
  return coverOfCopilot(provider, textOf(attributes, SERVER), attributes.has(NANO_AIU));
}

const NO_IDS: readonly string[] = [];

/** The ids by which other reports of the call may be known, beside its response's. */
export function otherIdsOf(span: Span, usage: Usage, sessionId: string | null): readonly string[] {
  // A header is a list of its values.
  const requests = REQUEST_IDS.some((name) => span.attributes.has(name))
    ? REQUEST_IDS.flatMap((name) => (span.attributes.has(name) ? listOf(span.attributes, name) : []))
    : NO_IDS;
  const own = agentIdsOf(span);
  const ofFile = fileEvidenceOf(span, usage, sessionId);
  return requests.length + own.length + ofFile.length === 0 ? NO_IDS : [...requests, ...own, ...ofFile];
}

function agentIdsOf({ source, traceId, attributes, endNs }: Span): readonly string[] {
  if (agentOf(source)?.name === CLAUDE_CODE) {
    const ids = [REQUEST_ID, CLIENT_REQUEST_ID].flatMap((name) => textOf(attributes, [name]) ?? []);
    return ids.length > 0 ? ids : claudeEvidenceIn(attributes, endNs);
  }
  if (!attributes.has(CODEX_TOTAL) || endNs === null) return NO_IDS;
  const count = (names: readonly string[]): number | null => {
    const value = attributes.get(names[0]!);
    return typeof value === "number" ? value : null;
  };
  const { inputTokens, cacheReadTokens, outputTokens } = COUNTS;
  const counts = [count(inputTokens), count(cacheReadTokens!), count(outputTokens)];
  const conversation = textOf(attributes, [CONVERSATION]) ?? unknownIn(traceId);
  return evidenceOf("codex", conversation, counts, Number(endNs / 1_000_000n));
}

/** Of older releases, whose spans name no request. */
function claudeEvidenceIn(attributes: Attributes, endNs: bigint | null): string[] {
  if (endNs === null || !attributes.has(BARE.input)) return [];
  const counts = [BARE.input, BARE.read, BARE.write, BARE.output].map((name) => {
    const value = attributes.get(name);
    return typeof value === "number" ? value : null;
  });
  return claudeEvidenceOf(textOf(attributes, [SESSION_ID]), counts, Number(endNs / 1_000_000n));
}

/** Agents whose files name no response, by their service. */
const FILES = [
  { service: /^opencode/, program: "opencode" },
  { service: /^qwen-code/, program: "qwen-code" },
];

/** The program whose files know the spans of a source. By source, because many spans share one. */
const programs = new WeakMap<SpanSource, string | null>();

function programOf(source: SpanSource): string | null {
  let program = programs.get(source);
  if (program === undefined) {
    const service = textOf(source.resource, APPLICATION) ?? "";
    program = FILES.find((file) => file.service.test(service))?.program ?? null;
    programs.set(source, program);
  }
  return program;
}

/** The ids by which the agent's own file knows the call, made of its session and counts. */
function fileEvidenceOf({ source, endNs }: Span, usage: Usage, sessionId: string | null): readonly string[] {
  const program = programOf(source);
  if (program === null || endNs === null) return NO_IDS;
  const counts = [usage.inputTokens, usage.cacheReadTokens, usage.outputTokens];
  return evidenceOf(program, sessionId, counts, Number(endNs / 1_000_000n));
}

function set(attributes: Written, name: string, value: AttributeValue | null | undefined): void {
  if (value !== null && value !== undefined) attributes.set(name, value);
}
