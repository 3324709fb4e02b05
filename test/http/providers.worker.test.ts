/**
 * Whatever a caller names a provider: one name in sums, the sent one on the call, and each alias in filters and prices.
 */
import { describe, expect, it } from "vitest";
import { apiRequest, logsRequest } from "../ingest/decode/otlp/logs-request.ts";
import { chat, jsonRequest, type SpanInput } from "../ingest/decode/otlp/request.ts";
import {
  call,
  DAY,
  type Item,
  json,
  type Ledger,
  ledgerOf,
  MONDAY,
  newKey,
  openLedger,
  problem,
  WEEK,
} from "./ledger.ts";

const times = { startTimeUnixNano: `${MONDAY}000000`, endTimeUnixNano: `${MONDAY + 250}000000` };

async function admin(): Promise<Ledger> {
  const { projectId } = await openLedger();
  return ledgerOf(projectId, await newKey(projectId, ["admin"]));
}

const spans = (...all: SpanInput[]) =>
  jsonRequest({
    resource: { "service.name": "shop" },
    spans: all.map((span, i) => ({
      ...times,
      traceId: "0af7651916cd43dd8448eb211c80319c",
      spanId: `${i + 1}`.padStart(16, "0"),
      ...span,
    })),
  });

const logs = (attributes: Item) =>
  logsRequest([apiRequest({ request_id: "req_1", ...attributes }, { timeUnixNano: `${MONDAY + 60_000}000000` })]);

const litellm = (fields: Item): Item => ({
  id: "chatcmpl-1",
  call_type: "acompletion",
  status: "success",
  startTime: MONDAY / 1_000,
  endTime: MONDAY / 1_000 + 1,
  model: "gpt-4o",
  prompt_tokens: 1_000,
  completion_tokens: 100,
  ...fields,
});

const named = (name: string) => ({ "gen_ai.provider.name": name });

describe("the provider's name as it was sent", () => {
  it.each<[string, string, unknown, string, string | null]>([
    ["native", "/v1/traces", [call({ provider: "bedrock_converse" })], "aws", "bedrock_converse"],
    ["native, the canonical one", "/v1/traces", [call()], "openai", null],
    ["native, a gateway's: inferred by the model", "/v1/traces", [call({ provider: "litellm" })], "openai", "litellm"],
    ["native, none: inferred by the model", "/v1/traces", [call({ provider: null })], "openai", null],
    ["LiteLLM", "/v1/litellm", [litellm({ custom_llm_provider: "azure_text" })], "azure", "azure_text"],
    ["OTLP", "/v1/traces", spans(chat(named("az.ai.openai"))), "azure", "az.ai.openai"],
    [
      "OTLP, by its server",
      "/v1/traces",
      spans(chat({ ...named("openai"), "server.address": "api.groq.com" })),
      "groq",
      "openai",
    ],
    [
      "OTLP, in a framework's metadata",
      "/v1/traces",
      spans({
        attributes: {
          "openinference.span.kind": "LLM",
          "llm.model_name": "gemini-2.5-flash",
          "llm.token_count.prompt": 10,
          "llm.token_count.completion": 1,
          metadata: JSON.stringify({ ls_provider: "google_vertexai" }),
        },
      }),
      "google",
      "google_vertexai",
    ],
    ["Claude Code", "/v1/logs", logs({ "anthropic.provider": "bedrock" }), "aws", "bedrock"],
    ["Claude Code, the canonical one", "/v1/logs", logs({}), "anthropic", null],
  ])("is kept on the call: %s", async (_, path, body, provider, sent) => {
    const ledger = await openLedger();
    expect((await ledger.post(body, {}, path)).ok).toBe(true);
    const { traces } = await json<{ traces: (Item & { id: string })[] }>(await ledger.fetch(`/v1/traces?${WEEK}`));
    expect(traces).toMatchObject([{ provider, request_provider: sent }]);
    const receipt = await json<Item>(await ledger.fetch(`/v1/traces/${traces[0]!.id}`));
    expect(receipt).toMatchObject({ provider, request_provider: sent });
    const exported = await ledger.fetch(`/v1/export?${WEEK}`);
    expect(JSON.parse(new TextDecoder().decode(await exported.arrayBuffer()))).toMatchObject({
      request_provider: sent,
    });
    expect((await ledger.summary(`${WEEK}&group_by=provider`)).rows).toMatchObject([{ provider, requests: 1 }]);
  });
});

/** By canonical name. */
const ALIASES: readonly (readonly [string, ...string[]])[] = [
  ["azure", "azure_openai", "az.ai.openai", "azure.ai.openai", "Azure-OpenAI"],
  ["aws", "bedrock_converse", "aws.bedrock", "amazon-bedrock"],
  ["google", "google-genai", "vertex_ai_beta", "gcp.vertex_ai", "gemini"],
  ["together", "together_ai", "togethercomputer"],
  ["x-ai", "x_ai", "xAI"],
  ["acme", "ACME"],
];

describe("any alias of a provider", () => {
  it("is one row of a summary, and a filter of every question", async () => {
    const ledger = await openLedger();
    await ledger.write(ALIASES.flatMap((names) => names.map((provider) => call({ provider, session_id: "s" }))));
    const { rows } = await ledger.summary(`${WEEK}&group_by=provider&order=provider`);
    const expected = ALIASES.map((names) => [names[0], names.length]).sort();
    expect(rows.map(({ provider, requests }) => [provider, requests]).sort()).toEqual(expected);
    for (const names of ALIASES) {
      for (const alias of names) {
        const query = `${WEEK}&provider=${encodeURIComponent(alias)}`;
        const { totals } = await ledger.summary(query);
        expect(totals.requests, alias).toBe(names.length);
        const { traces } = await json<{ traces: Item[] }>(await ledger.fetch(`/v1/traces?${query}`));
        expect(traces.map(({ provider }) => provider)).toEqual(names.map(() => names[0]));
        const exported = await (await ledger.fetch(`/v1/export?${query}&format=csv`)).text();
        expect(exported.trimEnd().split("\n")).toHaveLength(names.length + 1);
        const summed = await (
          await ledger.fetch(`/v1/export?${query}&format=csv&type=summary&group_by=provider`)
        ).text();
        expect(summed.trimEnd().split("\n")).toHaveLength(2);
        const { after } = await json<{ after: Item }>(await ledger.fetch(`/v1/explain?${query}`));
        expect(after).toMatchObject({ requests: names.length });
        const { sessions } = await json<{ sessions: Item[] }>(await ledger.fetch(`/v1/sessions?${query}`));
        expect(sessions).toMatchObject([{ requests: names.length }]);
      }
    }
  });

  it("names the provider of a custom price, which then covers calls under each of its names", async () => {
    const ledger = await admin();
    const price = (provider: string, changes: Item = {}): Item => ({
      provider,
      model: "our-model",
      starts_at: "2020-01-01",
      usd_per_million_tokens: { input: "2", output: "4" },
      ...changes,
    });
    const post = (body: Item): Promise<Response> => ledger.post(body, {}, "/v1/prices");
    for (const [canonical, ...aliases] of ALIASES) {
      const made = await json<Item>(await post(price(aliases[0]!)), 201);
      expect(made).toMatchObject({ provider: canonical });
      await problem(
        await post(price(aliases.at(-1)!, { model: "our-model", starts_at: "2019-01-01" })),
        409,
        "price_overlap",
      );
      await json(
        await post(
          price(canonical, {
            model: "twin",
            usd_per_million_tokens: undefined,
            same_as: { provider: aliases.at(-1), model: "our-model" },
          }),
        ),
        201,
      );
    }
    const calls = ALIASES.flatMap((names) =>
      names.flatMap((provider) => [call({ provider, model: "our-model" }), call({ provider, model: "twin" })]),
    );
    await ledger.write(calls);
    // 1,000 x $2 + 100 x $4 a million
    const { rows } = await ledger.summary(`${WEEK}&group_by=provider,model`);
    for (const row of rows) expect(row, String(row["provider"])).toMatchObject({ unpriced_requests: 0 });
    expect((await ledger.summary(WEEK)).totals.cost_usd).toBe(String((calls.length * 24) / 10_000));
    const dry = { from: "2025-03-10", to: "2025-03-17", provider: "azure_openai" };
    expect(await json(await ledger.post(dry, {}, "/v1/reprice"))).toMatchObject({ looked: 2 * ALIASES[0]!.length });
  });
});

/** What a stream of one response was known to hold, the first state and the last. */
describe("states of one streamed response", () => {
  const usage = (output: number): Item => ({
    input_tokens: 6,
    output_tokens: output,
    cache_creation_input_tokens: 1_000,
    cache_read_input_tokens: 2_000,
  });
  const native = (output: number): Item[] => [
    call({
      id: `native-${output}`,
      timestamp: MONDAY + output,
      provider: "anthropic",
      model: "claude-sonnet-4-5",
      input_tokens: null,
      output_tokens: null,
      response_id: "msg_1",
      usage: usage(output),
    }),
  ];
  const span = (output: number, attributes: Item): unknown =>
    spans(
      chat(
        {
          ...named("anthropic"),
          "gen_ai.request.model": "claude-sonnet-4-5",
          "gen_ai.response.model": "claude-sonnet-4-5",
          ...attributes,
        },
        { spanId: `${output}`.padStart(16, "a") },
      ),
    );
  const attributes = (output: number): unknown =>
    span(output, {
      "gen_ai.response.id": "msg_1",
      "gen_ai.usage.input_tokens": 3_006,
      "gen_ai.usage.output_tokens": output,
      "gen_ai.usage.cache_creation.input_tokens": 1_000,
      "gen_ai.usage.cache_read.input_tokens": 2_000,
    });
  const document = (output: number): unknown =>
    span(output, {
      "output.mime_type": "application/json",
      "output.value": JSON.stringify({
        type: "message",
        id: "msg_1",
        model: "claude-sonnet-4-5",
        usage: usage(output),
      }),
    });
  const entry = (output: number): Item[] => [
    litellm({
      id: "msg_1",
      startTime: (MONDAY + output) / 1_000,
      custom_llm_provider: "anthropic",
      model: "claude-sonnet-4-5",
      prompt_tokens: 3_006,
      completion_tokens: output,
      metadata: {
        usage_object: {
          prompt_tokens: 3_006,
          completion_tokens: output,
          cache_creation_input_tokens: 1_000,
          cache_read_input_tokens: 2_000,
        },
      },
    }),
  ];
  const record = (output: number): unknown =>
    logs({
      input_tokens: 6,
      output_tokens: output,
      cache_creation_tokens: 1_000,
      cache_read_tokens: 2_000,
      duration_ms: 1_500 + output,
    });

  it.each<[string, string, (output: number) => unknown]>([
    ["native", "/v1/traces", native],
    ["OTLP attributes", "/v1/traces", attributes],
    ["OTLP documents", "/v1/traces", document],
    ["LiteLLM", "/v1/litellm", entry],
    ["Claude Code", "/v1/logs", record],
  ])("count once, with the final counts, in whichever order they come: %s", async (_, path, body) => {
    for (const outputs of [
      [1, 40, 384],
      [384, 1, 40],
      [40, 384, 1],
    ]) {
      const ledger = await openLedger();
      for (const output of outputs) expect((await ledger.post(body(output), {}, path)).ok).toBe(true);
      // 6 x $3 + 1,000 x $3.75 + 2,000 x $0.30 + 384 x $15 a million
      expect((await ledger.summary(WEEK)).totals).toMatchObject({ requests: 1, cost_usd: "0.010128" });
      const all = `/v1/traces?${WEEK}&billable=all`;
      const { traces } = await json<{ traces: (Item & { id: string })[] }>(await ledger.fetch(all));
      expect(traces).toHaveLength(3);
      const counted = traces.find(({ billable }) => billable)!;
      expect(counted).toMatchObject({ output_tokens: 384 });
      for (const { id, rule } of traces) {
        const receipt = await json<Item>(await ledger.fetch(`/v1/traces/${id}`));
        expect(receipt["counted_as"]).toBe(id === counted.id ? null : counted.id);
        if (id !== counted.id) expect(rule).toContain("; seen twice");
      }
      const audit = await json<Item>(await ledger.fetch(`/v1/audit?from=${MONDAY - DAY}&to=${MONDAY + DAY}`));
      expect(audit).toMatchObject({ ok: true });
    }
  });

  it("count once in one body, too", async () => {
    const ledger = await openLedger();
    await ledger.write([...native(1), ...native(384), ...native(40)]);
    expect((await ledger.summary(WEEK)).totals).toMatchObject({ requests: 1, cost_usd: "0.010128" });
  });
});
