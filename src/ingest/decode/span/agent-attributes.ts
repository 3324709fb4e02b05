/** The attribute names of coding agents that no other emitter has. `agents.ts` reads them. */
import type { AgentTag } from "../../../ledger/agent-tags.ts";
import { DEFAULT_PERSONS } from "./context-attributes.ts";

export const SPAN_TYPE = "span.type";
export const MODEL = "model";
export const REQUEST_ID = "request_id";
export const CLIENT_REQUEST_ID = "client_request_id";
/** The plan that Claude Code is signed in to, and the kind of seat in it. */
export const PLAN = "anthropic.plan";
export const SEAT_TYPE = "anthropic.seat_type";
/** How an agent is signed in. */
export const SIGN_IN = ["auth_mode", "auth_type"];
export const SESSION_ID = "session.id";
/** Claude Code's tags, on its records and its spans. */
export const CLAUDE_TAGS = {
  subagent: "agent.name",
  skill: "skill.name",
  plugin: "plugin.name",
  mcp_server: "mcp_server.name",
  mcp_tool: "mcp_tool.name",
  query_source: "query_source",
  effort: "effort",
} as const satisfies Partial<Record<AgentTag, string>>;
/** What asked, on spans: with points where records have colons. */
export const QUERY_SOURCE_SAFE = "query_source_safe";
export const BUILT_IN = "agent:builtin:";
/** How much the model was asked to think. */
export const EFFORT = ["effort", "gen_ai.request.reasoning.level", "codex.request.reasoning_effort"];
export const THOUGHTS = "thoughts_token_count";
export const CODEX_REASONING = "codex.usage.reasoning_output_tokens";
export const CODEX_TOTAL = "codex.usage.total_tokens";
export const CONVERSATION = "conversation.id";
/** On Codex's spans the number of a thread of the system, and on a turn the conversation's id. */
export const THREAD = "thread.id";
export const BARE = {
  input: "input_tokens",
  output: "output_tokens",
  read: "cache_read_tokens",
  write: "cache_creation_tokens",
};

/** The attributes that only these rules read. */
export const AGENT_ATTRIBUTES: readonly string[] = [
  SPAN_TYPE,
  MODEL,
  REQUEST_ID,
  CLIENT_REQUEST_ID,
  PLAN,
  SEAT_TYPE,
  ...SIGN_IN,
  QUERY_SOURCE_SAFE,
  ...EFFORT,
  ...Object.values(CLAUDE_TAGS),
  THOUGHTS,
  CODEX_REASONING,
  CODEX_TOTAL,
  THREAD,
  ...DEFAULT_PERSONS,
  ...Object.values(BARE),
];
