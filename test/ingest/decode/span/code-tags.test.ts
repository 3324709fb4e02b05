/** Repository, branch and pull request: the same of logs and spans, on the resource and on each of them. */
import { describe, expect, it } from "vitest";
import type { Call } from "../../../../src/ledger/call.ts";
import { decodeLogsJson, decodeLogsProtobuf } from "../../../../src/ingest/decode/otlp/logs.ts";
import { apiRequest, logsRequest, logsToProtobuf } from "../otlp/logs-request.ts";
import { type Attributes, chat, decode, decodeOne, NOW, START_NS } from "../otlp/request.ts";

/** The tags of a call whose resource or own attributes say this, without the emitter's own. */
const EMITTERS: Record<string, (resource: Attributes, own?: Attributes) => Record<string, string>> = {
  spans: (resource, own = {}) => codeOf(decodeOne(chat(own), { resource })),
  "Claude Code's spans": (resource, own = {}) => {
    const attributes = { "span.type": "llm_request", input_tokens: 1, output_tokens: 1, model: "claude-sonnet-4-5" };
    const scope = "com.anthropic.claude_code.tracing";
    return codeOf(decodeOne({ attributes: { ...attributes, ...own } }, { resource, scope }));
  },
  "Claude Code's logs": (resource, own = {}) => logged(apiRequest(own), resource, "com.anthropic.claude_code.events"),
  "Codex's logs": (resource, own = {}) => logged({ attributes: { ...CODEX, ...own } }, resource, "codex"),
  "Gemini CLI's logs": (resource, own = {}) => logged({ attributes: { ...GEMINI, ...own } }, resource, "gemini"),
  "GenAI's logs": (resource, own = {}) => logged({ attributes: { ...GENAI, ...own } }, resource, "any"),
};
const CODEX = {
  "event.name": "codex.sse_event",
  "event.kind": "response.completed",
  "conversation.id": "c-1",
  model: "gpt-5.5",
  input_token_count: 1,
  output_token_count: 1,
  cached_token_count: 0,
};
const GEMINI = {
  "event.name": "gemini_cli.api_response",
  "session.id": "s-1",
  model: "gemini-2.5-pro",
  input_token_count: 1,
  output_token_count: 1,
  cached_content_token_count: 0,
  thoughts_token_count: 0,
  tool_token_count: 0,
  total_token_count: 2,
};
const GENAI = {
  "event.name": "gen_ai.client.inference.operation.details",
  "gen_ai.operation.name": "chat",
  "gen_ai.provider.name": "openai",
  "gen_ai.request.model": "gpt-5-mini",
  "gen_ai.usage.input_tokens": 1,
  "gen_ai.usage.output_tokens": 1,
};

function logged(record: object, resource: Attributes, scope: string): Record<string, string> {
  const json = logsRequest([{ timeUnixNano: START_NS, ...record }], { resource, scope });
  const { calls, errors } = decodeLogsJson(json, NOW);
  expect(errors).toEqual([]);
  expect(decodeLogsProtobuf(logsToProtobuf(json), NOW).calls).toEqual(calls);
  return codeOf(calls[0]!);
}

function codeOf({ tags }: Call): Record<string, string> {
  const names = new Set(["repository", "branch", "pull_request"]);
  return Object.fromEntries(Object.entries(tags ?? {}).filter(([name]) => names.has(name)));
}

const NEWEST = {
  "vcs.change.id": "12",
  "vcs.ref.head.name": "feature/x",
  "vcs.ref.head.type": "branch",
  "vcs.repository.name": "shop",
  "vcs.repository.url.full": "https://github.com/acme/shop",
};
const OLDEST = {
  "vcs.repository.change.id": "12",
  "vcs.repository.ref.name": "feature/x",
  "vcs.repository.ref.type": "branch",
  "vcs.repository.url.full": "https://github.com/acme/shop.git",
};
const ALL = { repository: "shop", branch: "feature/x", pull_request: "acme/shop#12" };

describe.each(Object.entries(EMITTERS))("%s", (_, tagsOf) => {
  it.each<[string, Attributes, object]>([
    ["OpenTelemetry's names", NEWEST, ALL],
    ["their older names", OLDEST, ALL],
    ["owner and name", { "vcs.change.id": 12, "vcs.owner.name": "acme", "vcs.repository.name": "shop" }, SHOP()],
    [
      "bare names",
      { repository: "acme/shop", branch: "refs/heads/main", pull_request: "12" },
      SHOP("acme/shop", "main"),
    ],
    ["an address", { pull_request: "https://github.com/acme/shop/pull/12/files" }, { pull_request: "acme/shop#12" }],
    ["an address for a name", { repository: "https://ada:secret@github.com/acme/shop.git" }, { repository: "shop" }],
    [
      "bare names first",
      { ...NEWEST, branch: "main", pull_request: "acme/web#3" },
      { ...ALL, branch: "main", pull_request: "acme/web#3" },
    ],
    ["a name that is a tag's", { "vcs.ref.head.name": "v1", "vcs.ref.head.type": "tag" }, {}],
    ["empty values", { "vcs.change.id": "", repository: "", branch: "", pull_request: "" }, {}],
    ["values of another kind", { "vcs.change.id": ["12"], "vcs.repository.url.full": { a: 1 }, branch: true }, {}],
  ])("reads %s of the resource", (_, resource, tags) => expect(tagsOf(resource)).toEqual(tags));

  it("reads OpenTelemetry's and Copilot's names of the call itself", () => {
    expect(tagsOf({}, NEWEST)).toEqual(ALL);
    const copilot = { "github.copilot.git.repository": "acme/shop", "github.copilot.git.branch": "feature/x" };
    expect(tagsOf({}, copilot)).toEqual({ repository: "shop", branch: "feature/x" });
  });
});

function SHOP(repository = "shop", branch?: string): object {
  return { repository, ...(branch !== undefined && { branch }), pull_request: "acme/shop#12" };
}

it("does not take a span's own bare names, which may be of anything", () => {
  const own = { repository: "books", branch: "Berlin", pull_request: "no" };
  expect(EMITTERS["spans"]!({}, own)).toEqual({});
  expect(EMITTERS["spans"]!({}, { ...own, "vcs.repository.name": "shop" })).toEqual({ repository: "shop" });
});

it("takes what the spans above a call say", () => {
  const above = {
    spanId: "00000000000000aa",
    attributes: {
      "copilot_chat.repo.head_branch_name": "feature/x",
      "copilot_chat.repo.remote_url": "https://github.com/acme/shop.git",
    },
  };
  const { calls } = decode({ spans: [above, chat({}, { parentSpanId: "00000000000000aa" })] });
  expect(codeOf(calls[0]!)).toEqual({ repository: "shop", branch: "feature/x" });
});
