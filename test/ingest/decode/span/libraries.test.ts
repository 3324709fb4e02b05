/** Libraries that have names of their own: LangSmith, LangWatch, Keywords AI, and the resource of opencode. */
import { describe, expect, it } from "vitest";
import type { Call } from "../../../../src/ledger/call.ts";
import { chat, decode, decodeOne, type Attributes } from "../otlp/request.ts";

const CALL = { "gen_ai.request.model": "gpt-5-mini", "gen_ai.usage.input_tokens": 4_000 };

function langsmith(usage: object, attributes: Attributes = {}): Call {
  return decodeOne(
    chat({ "langsmith.span.kind": "llm", "langsmith.usage_metadata": JSON.stringify(usage), ...attributes }),
    { scope: "langsmith" },
  );
}

describe("LangSmith", () => {
  it.each([
    ["llm", 1],
    ["embedding", 1],
    ["retriever", 0],
    ["prompt", 0],
    ["chain", 0],
    ["tool", 0],
    ["parser", 0],
  ])("a run of kind %s counts %i times, whatever its operation is called", (kind, times) => {
    const { calls } = decode({ spans: [chat({ "langsmith.span.kind": kind })] });
    expect(calls.filter(({ billable }) => billable)).toHaveLength(times);
  });

  it("has the counts in its document, which are inclusive", () => {
    const usage = {
      input_tokens: 13_546,
      output_tokens: 282,
      total_tokens: 13_828,
      input_token_details: {
        cache_read: 8_284,
        ephemeral_5m_input_tokens: 3_101,
        ephemeral_1hr_input_tokens: 1_001,
        audio: 0,
      },
      output_token_details: { reasoning: 102, audio: 0 },
    };
    expect(langsmith(usage)).toMatchObject({
      inputTokens: 13_546,
      outputTokens: 282,
      cacheReadTokens: 8_284,
      cacheWriteTokens: 4_102,
      cacheWrite5mTokens: 3_101,
      cacheWrite1hTokens: 1_001,
      reasoningTokens: 102,
      doubt: null,
      costIs: "exact",
    });
  });

  it.each(["flex", "priority"])("a call of which all tokens were used at %s has that tier", (tier) => {
    const usage = {
      input_tokens: 4_000,
      output_tokens: 900,
      input_token_details: { [tier]: 1_000, [`${tier}_cache_read`]: 3_000 },
      output_token_details: { [tier]: 300, [`${tier}_reasoning`]: 600 },
    };
    const held = { serviceTier: tier, cacheReadTokens: 3_000, reasoningTokens: 600, doubt: null };
    expect(langsmith(usage)).toMatchObject(held);
    // A part that does not add up to the whole leaves the call without a cost.
    const partly = { ...usage, input_token_details: { ...usage.input_token_details, [tier]: 999 } };
    expect(langsmith(partly).doubt).toBe("usage_ambiguous");
  });

  it.each(["user_id", "userId"])("its metadata names the user as %s, the session, and tags", (user) => {
    const metadata = {
      [user]: "ada",
      thread_id: "t-1",
      team: "search",
      LANGSMITH_TRACING: "true",
      ls_provider: "openai",
      usage_metadata: "{}",
      versions: "{}",
    };
    const attributes = Object.fromEntries(
      Object.entries(metadata).map(([key, value]) => [`langsmith.metadata.${key}`, value]),
    );
    const call = langsmith({}, { ...attributes, "langsmith.span.tags": "nightly, seq:step:1, beta" });
    expect(call).toMatchObject({ userId: "ada", sessionId: "t-1", tags: { team: "search", tag: "nightly,beta" } });
    expect(Object.keys(call.tags)).toHaveLength(2);
  });

  it("without tags sends an empty list, which is no tag", () => {
    expect(langsmith({}, { "langsmith.span.tags": "" }).tags).toEqual({});
  });

  it("says `langchain` is the system of a run, beside the provider", () => {
    const names = {
      "gen_ai.provider.name": "",
      "gen_ai.system": "langchain",
      "langsmith.metadata.ls_provider": "anthropic",
    };
    expect(langsmith({}, names).provider).toBe("anthropic");
  });
});

describe("LangWatch", () => {
  it.each([
    ["llm", {}, 1],
    ["chain", {}, 0],
    ["agent", {}, 0],
    ["rag", {}, 0],
    // A type that says nothing leaves it to the operation.
    ["span", { "gen_ai.operation.name": "chat" }, 1],
    ["client", { "gen_ai.operation.name": "chat" }, 1],
  ])("a span of type %s %j counts %i times", (type, more, times) => {
    const { calls } = decode({ spans: [{ attributes: { ...CALL, "langwatch.span.type": type, ...more } }] });
    expect(calls.filter(({ billable }) => billable)).toHaveLength(times);
  });

  it("names user and thread above the call", () => {
    const { calls } = decode({
      spans: [
        { spanId: "00000000000000aa", attributes: { "langwatch.user.id": "ada", "langwatch.thread.id": "t-1" } },
        { parentSpanId: "00000000000000aa", attributes: { ...CALL, "langwatch.span.type": "llm" } },
      ],
    });
    expect(calls).toMatchObject([{ userId: "ada", sessionId: "t-1" }]);
  });
});

describe("Keywords AI", () => {
  it.each(["keywordsai", "respan"])("%s: names customer, thread and metadata, whose text is JSON", (name) => {
    const call = decodeOne(
      chat({
        [`${name}.customer_params.customer_identifier`]: "ada",
        [`${name}.threads.thread_identifier`]: "t-1",
        [`${name}.metadata.team`]: '"search"',
        [`${name}.metadata.plan`]: "free",
      }),
    );
    expect(call).toMatchObject({ userId: "ada", sessionId: "t-1", tags: { team: "search", plan: "free" } });
  });
});

describe("the environment", () => {
  const environmentOf = (resource: Attributes, attributes: Attributes = {}): string =>
    decodeOne(chat(attributes), { resource }).environment;
  const channel = { "deployment.environment.name": "latest", "opencode.client": "cli" };

  it("is not the channel of opencode's release", () => {
    expect(environmentOf(channel)).toBe("unknown");
    expect(environmentOf({ ...channel, "deployment.environment": "staging" })).toBe("staging");
    expect(environmentOf({ "deployment.environment.name": "latest" })).toBe("latest");
  });

  it("may be Sentry's on the span", () => {
    expect(environmentOf({}, { "sentry.environment": "staging" })).toBe("staging");
  });
});
