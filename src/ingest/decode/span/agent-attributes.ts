/** The attribute names of coding agents that no other emitter has. `agents.ts` reads them. */
import { PERSON } from "./context-attributes.ts";

export const SPAN_TYPE = "span.type";
export const MODEL = "model";
export const REQUEST_ID = "request_id";
export const CLIENT_REQUEST_ID = "client_request_id";
export const SESSION_ID = "session.id";
export const SUBAGENT = "agent.name";
export const THOUGHTS = "thoughts_token_count";
export const GENAI_USER = "gen_ai.user.id";
export const CODEX_REASONING = "codex.usage.reasoning_output_tokens";
export const CODEX_TOTAL = "codex.usage.total_tokens";
export const CONVERSATION = "conversation.id";
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
  SUBAGENT,
  THOUGHTS,
  GENAI_USER,
  CODEX_REASONING,
  CODEX_TOTAL,
  ...PERSON,
  ...Object.values(BARE),
];
