/** The call that the API's description shows, and sends when it is tried. */
import { traceKey } from "../ingest/key.ts";

export const EXAMPLE_CALL = {
  id: "call-1",
  timestamp: "2026-10-05T09:30:00Z",
  application: "assistant",
  user_id: "ada",
  session_id: "session-1",
  tags: { team: "search" },
  provider: "openai",
  model: "gpt-4o-mini",
  input_tokens: 1_000,
  output_tokens: 200,
  duration_ms: 812,
};

/** The ledger's id of it. */
export const EXAMPLE_ID = traceKey(Date.parse(EXAMPLE_CALL.timestamp), EXAMPLE_CALL.id);

/** A call as LiteLLM reports it. */
export const EXAMPLE_ENTRY = {
  id: "chatcmpl-1",
  call_type: "acompletion",
  status: "success",
  custom_llm_provider: "openai",
  model: "gpt-4o-mini",
  startTime: 1_791_193_000.25,
  endTime: 1_791_193_001.062,
  prompt_tokens: 1_000,
  completion_tokens: 200,
  metadata: { user_api_key_alias: "assistant", user_api_key_user_id: "ada" },
};
