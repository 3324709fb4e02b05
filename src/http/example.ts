/** The call that the API's description shows. `/docs` sends it when a reader tries a route. */
import { callKey } from "../ledger/key.ts";

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

/** The id that the ledger gives this call. */
export const EXAMPLE_ID = callKey(Date.parse(EXAMPLE_CALL.timestamp), EXAMPLE_CALL.id);

/** A call as LiteLLM would report it. */
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

/** The trace of the span below. */
export const EXAMPLE_TRACE_ID = "5b8efff798038103d269b633813fc60c";

/** A call as an OTLP span. */
export const EXAMPLE_OTLP = {
  resourceSpans: [
    {
      resource: { attributes: [{ key: "service.name", value: { stringValue: "assistant" } }] },
      scopeSpans: [
        {
          spans: [
            {
              traceId: EXAMPLE_TRACE_ID,
              spanId: "eee19b7ec3c1b174",
              name: "chat gpt-4o-mini",
              startTimeUnixNano: "1791192600000000000",
              endTimeUnixNano: "1791192600812000000",
              attributes: [
                { key: "gen_ai.operation.name", value: { stringValue: "chat" } },
                { key: "gen_ai.provider.name", value: { stringValue: "openai" } },
                { key: "gen_ai.response.model", value: { stringValue: "gpt-4o-mini" } },
                { key: "gen_ai.usage.input_tokens", value: { intValue: "1000" } },
                { key: "gen_ai.usage.output_tokens", value: { intValue: "200" } },
              ],
            },
          ],
        },
      ],
    },
  ],
};
