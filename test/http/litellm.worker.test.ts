/**
 * `POST /v1/litellm` as LiteLLM uses it: each form of its body, an exact bill, and bad input refused entry by entry.
 */
import { describe, expect, it } from "vitest";
import body from "../fixtures/captures/litellm-generic-handmade/array/01.body?raw";
import single from "../fixtures/captures/litellm-generic-handmade/single/01.body?raw";
import truth from "../fixtures/captures/litellm-generic-handmade/array/truth.json";
import {
  appWith,
  foundByStoring,
  ingested,
  json,
  ledgerOf,
  newKey,
  openLedger,
  problem,
  type Item,
  type Ledger,
} from "./ledger.ts";

const PATH = "/v1/litellm";
const NOW = Date.UTC(2026, 10, 30);
/** The captures are from 2026-09-21, which may lie ahead of this machine's clock. */
const fetch = appWith({ now: () => NOW });
const WEEK = "from=2026-09-20&to=2026-09-27";

const open = (): Promise<Ledger> => openLedger(fetch);
const post = (ledger: Ledger, value: unknown, headers: Record<string, string> = {}): Promise<Response> =>
  ledger.post(value, headers, PATH);

function entry(fields: Item = {}): Item {
  return {
    id: crypto.randomUUID(),
    call_type: "completion",
    status: "success",
    custom_llm_provider: "openai",
    model: "gpt-4o",
    startTime: 1_790_000_000,
    endTime: 1_790_000_001,
    prompt_tokens: 1_000,
    completion_tokens: 100,
    ...fields,
  };
}

describe("the captured callback", () => {
  it("is counted as it was: calls, failures, tokens; an answer from the cache nowhere", async () => {
    const ledger = await open();
    const written = await ingested(await post(ledger, body));
    expect(written).toEqual({ accepted: 5, inserted: 5, duplicates: 0, rejected: 0, errors: [] });
    const { calls, errors, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, reasoning_tokens } =
      truth.totals;
    const { totals, rows } = await ledger.summary(`${WEEK}&group_by=model,operation`);
    expect(totals).toMatchObject({
      requests: calls,
      errors,
      input_tokens,
      output_tokens,
      cache_read_tokens,
      cache_write_tokens,
      reasoning_tokens,
      unpriced_requests: 0,
    });
    // gpt-5-mini: 1,148 x $0.25 + 3,148 x $0.025 + 910 x $2 a million = $0.0021857
    // sonnet 4.5: 1,248 x $3 + 3,248 x $0.30 + 4,248 x $3.75 + 5,248 x $6 + 262 x $15 = $0.0560664
    // embeddings: 2,448 x $0.02
    expect(Object.fromEntries(rows.map((row) => [row["model"], row.cost_usd]))).toEqual({
      "claude-sonnet-4-5-20250929": "0.0560664",
      "gpt-5-mini": "0.0021857",
      "text-embedding-3-small": "0.00004896",
      "gpt-4.1-mini": "0",
    });
    const byTeam = await ledger.summary(`${WEEK}&application=weather-key&group_by=tag.team`);
    expect(byTeam.rows).toMatchObject([{ "tag.team": "search", requests: 4 }]);
    expect((await ledger.summary(`${WEEK}&group_by=user`)).rows).toMatchObject([{ user: "user-ada", requests: 4 }]);
  });

  it("stores an answer from the cache, not billable and at no cost", async () => {
    const ledger = await open();
    await post(ledger, body);
    const page = async (query: string) =>
      (await json<{ traces: Item[] }>(await ledger.fetch(`/v1/traces?${WEEK}&${query}`))).traces;
    expect(await page("client_id=cached-answer")).toEqual([]);
    expect(await page("client_id=cached-answer&billable=all")).toMatchObject([
      { cost_usd: "0", recorded_cost_usd: "0", reported_cost_usd: "0", billable: false, unpriced_reason: null },
    ]);
    const audit = await json<{ ok: boolean }>(await ledger.fetch(`/v1/audit?${WEEK}`));
    expect(audit.ok).toBe(true);
  });

  it("counts once, however often and in whatever form it comes", async () => {
    const ledger = await open();
    await post(ledger, body);
    const entries = JSON.parse(body) as Item[];
    const again = [body, entries.map((one) => JSON.stringify(one)).join("\n"), entries.slice(0, 1)];
    const duplicates = [];
    for (const one of again) duplicates.push((await ingested(await post(ledger, one))).duplicates);
    expect(duplicates).toEqual([5, 5, 1]);
    const both = await ingested(await post(ledger, [...entries, ...entries]));
    expect(both).toMatchObject({ inserted: 0, duplicates: 10, errors: [] });
    expect((await ledger.summary(WEEK)).totals.requests).toBe(4);
  });

  it("may be one object", async () => {
    const ledger = await open();
    expect(await ingested(await post(ledger, single))).toMatchObject({ accepted: 1, inserted: 1 });
    // (4,310 - 3,155) x $0.25 + 3,155 x $0.025 + 924 x $2 a million
    expect((await ledger.summary(WEEK)).totals.cost_usd).toBe("0.002215625");
  });
});

describe("forms", () => {
  it.each(["application/json", "application/json; charset=utf-8", "application/x-ndjson"])(
    "takes NDJSON as %s, a bad line alone in error",
    async (type) => {
      const ledger = await open();
      const lines = [entry(), "{broken", entry(), "5", "", `[${JSON.stringify(entry())}]`, entry()];
      const text = lines.map((line) => (typeof line === "string" ? line : JSON.stringify(line))).join("\r\n");
      const written = await ingested(await post(ledger, text, { "content-type": type }));
      expect(written).toMatchObject({ accepted: 3, inserted: 3, rejected: 3 });
      expect(written.errors.map(({ index }) => index)).toEqual([1, 3, 4]);
    },
  );

  it("takes gzip", async () => {
    const ledger = await open();
    const stream = new Response(JSON.stringify([entry()])).body!.pipeThrough(new CompressionStream("gzip"));
    const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
    expect(await ingested(await post(ledger, bytes, { "content-encoding": "gzip" }))).toMatchObject({ inserted: 1 });
  });

  it("answers an empty batch with zeros", async () => {
    const ledger = await open();
    expect(await ingested(await post(ledger, []))).toEqual({
      accepted: 0,
      inserted: 0,
      duplicates: 0,
      rejected: 0,
      errors: [],
    });
  });

  it("reports the same call with other content as a conflict, and keeps the first", async () => {
    const ledger = await open();
    const first = entry();
    await post(ledger, [first]);
    const written = await ingested(await post(ledger, [{ ...first, prompt_tokens: 5 }]));
    expect(written).toMatchObject({
      inserted: 0,
      duplicates: 1,
      errors: foundByStoring({ index: 0, code: "conflict" }),
    });
    expect((await ledger.summary(WEEK)).totals.input_tokens).toBe(1_000);
  });
});

describe("bad input", () => {
  it("never keeps the good entries from being stored", async () => {
    const ledger = await open();
    const bad: unknown[] = [
      null,
      entry({ id: "a\0" }),
      entry({ prompt_tokens: "1" }),
      entry({ prompt_tokens: 2 ** 31 }),
      entry({ startTime: 5 }),
      entry({ metadata: { usage_object: { input_tokens: 2 ** 31 - 1, cache_read_input_tokens: 2 ** 31 - 1 } } }),
      entry({ model: "\ud800" }),
    ];
    const odd = [
      entry({ metadata: 5, request_tags: "x", model_parameters: [], response: "redacted", error_information: 1 }),
      entry({ response_cost: -1, cache_hit: "True", endTime: -5, request_tags: ["a\0b"] }),
    ];
    const written = await ingested(await post(ledger, [entry(), ...bad, ...odd, entry()]));
    expect(written).toMatchObject({ accepted: 4, inserted: 4, rejected: bad.length });
    expect(written.errors.map(({ index }) => index)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(written.errors[4]!.code).toBe("timestamp_range");
  });

  it("answers 400 with the errors when all of it is wrong", async () => {
    const ledger = await open();
    const answer = await problem(await post(ledger, [{}, entry({ startTime: null })]), 400, "all_rejected");
    expect(answer["errors"]).toMatchObject([{ index: 0 }, { index: 1 }]);
  });

  it.each([
    ["no JSON", "{"],
    ["a truncated array", '[{"id":"a"},\n{"id":"b"}'],
    ["a truncated object over several lines", '{\n"id": "a",\n"model": "b"'],
    ["nothing", ""],
    ["text", '"x"'],
    ["null", "null"],
    ["bytes that are no UTF-8", new Uint8Array([0x5b, 0xff, 0x5d])],
  ])("answers 400 to %s", async (_, value) => {
    await problem(await post(await open(), value), 400, "invalid_body");
  });

  it("refuses only the entry that nests too deep", async () => {
    const ledger = await open();
    const body = JSON.stringify([entry(), entry({ messages: "deep" })]).replace(
      '"deep"',
      "[".repeat(40) + "]".repeat(40),
    );
    const written = await ingested(await post(ledger, body));
    expect(written).toMatchObject({ inserted: 1, errors: [{ index: 1, code: "too_deep" }] });
  });

  it("answers 413 to more than 5,000 entries in any form", async () => {
    const ledger = await open();
    const many = Array.from({ length: 5_001 }, () => "{}");
    await problem(await post(ledger, `[${many.join()}]`), 413, "body_too_large");
    await problem(await post(ledger, many.join("\n")), 413, "body_too_large");
    await problem(await post(ledger, new Uint8Array(8 * 2 ** 20 + 1).fill(0x20)), 413, "body_too_large");
  });

  it("answers 415 to other types and encodings", async () => {
    const ledger = await open();
    await problem(await post(ledger, "[]", { "content-type": "text/plain" }), 415, "unsupported_media_type");
    await problem(await post(ledger, "[]", { "content-encoding": "br" }), 415, "unsupported_media_type");
  });

  it("needs a key with the scope ingest", async () => {
    const { projectId } = await open();
    await problem(await post(ledgerOf(projectId, "lct_nonsense", fetch), []), 401, "unauthorized");
    await problem(await post(ledgerOf(projectId, await newKey(projectId, ["read"]), fetch), []), 403, "forbidden");
  });
});
