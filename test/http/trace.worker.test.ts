import { describe, expect, it } from "vitest";
import { appWith, type Item, json, ledgerOf, MONDAY, newKey, openLedger } from "./ledger.ts";

interface Shown extends Record<string, unknown> {
  id: string;
}
interface Page {
  traces: Shown[];
  next_cursor: string | null;
}

const call = (n: number, changes: Item = {}): Item => ({
  id: `call-${n}`,
  timestamp: MONDAY + n,
  provider: "anthropic",
  model: "claude-sonnet-4-5",
  input_tokens: 1_000,
  output_tokens: 100,
  ...changes,
});
const RANGE = "from=2025-03-10&to=2025-03-11";

describe("GET /v1/traces", () => {
  it("pages through a range, newest first, each trace once", async () => {
    const ledger = await openLedger();
    await ledger.write(Array.from({ length: 7 }, (_, i) => call(i)));
    const seen: unknown[] = [];
    for (let cursor: string | null = ""; cursor !== null;) {
      const page: Page = await json(await ledger.fetch(`/v1/traces?${RANGE}&limit=3${cursor && `&cursor=${cursor}`}`));
      expect(page.traces.length).toBeLessThanOrEqual(3);
      seen.push(...page.traces.map(({ client_id }) => client_id));
      cursor = page.next_cursor;
    }
    expect(seen).toEqual([6, 5, 4, 3, 2, 1, 0].map((n) => `call-${n}`));
  });

  it("shows what was sent, null where nothing was, money in USD", async () => {
    const ledger = await openLedger();
    await ledger.write([call(1, { user_id: "ada", tags: { team: "red" }, duration_ms: 12.5, cost_usd: 0.01 })]);
    const { traces }: Page = await json(await ledger.fetch(`/v1/traces?${RANGE}`));
    expect(traces).toHaveLength(1);
    expect(traces[0]).toMatchObject({
      client_id: "call-1",
      timestamp: "2025-03-10T00:00:00.001Z",
      duration_ms: 12.5,
      application: "unknown",
      user_id: "ada",
      session_id: null,
      tags: { team: "red" },
      input_tokens: 1_000,
      cache_read_tokens: null,
      // 1,000 x $3 + 100 x $15 per MTok
      cost_usd: "0.0045",
      recorded_cost_usd: "0.0045",
      reported_cost_usd: "0.01",
      unpriced_reason: null,
      billable: true,
      rule: "native",
    });
  });

  it.each([
    ["model=claude-haiku-4-5", [2]],
    ["model=claude-haiku-4-5&model=nobody-knows", [3, 2]],
    ["user=ada", [4]],
    ["tag.team=red&user=ada", [4]],
    ["tag.team=blue&user=ada", []],
    ["status=error", [5]],
    ["unpriced=true", [3]],
    ["session_id=s", [6]],
    ["trace_id=t", [6]],
    ["client_id=call-1", [1]],
    ["from=2025-03-10T00:00:00.002Z&to=2025-03-10T00:00:00.004Z", [3, 2]],
  ])("filters by %s", async (filter, expected) => {
    const ledger = await openLedger();
    await ledger.write([
      call(1),
      call(2, { model: "claude-haiku-4-5" }),
      call(3, { model: "nobody-knows" }),
      call(4, { user_id: "ada", tags: { team: "red" } }),
      call(5, { status: "error" }),
      call(6, { session_id: "s", trace_id: "t" }),
    ]);
    const range = filter.startsWith("from=") ? "" : `${RANGE}&`;
    const { traces }: Page = await json(await ledger.fetch(`/v1/traces?${range}${filter}`));
    expect(traces.map(({ client_id }) => client_id)).toEqual(expected.map((n) => `call-${n}`));
  });

  it.each(["limit=0", "limit=1001", "limit=x", "cursor=x", "unpriced=maybe", "billable=no", "colour=red", "model="])(
    "answers %s with 400 that names it",
    async (query) => {
      const ledger = await openLedger();
      const problem = await json<Record<string, unknown>>(await ledger.fetch(`/v1/traces?${query}`), 400);
      expect(problem).toMatchObject({ code: "invalid_parameter", parameter: query.split("=")[0] });
    },
  );
});

describe("GET /v1/traces/{id}", () => {
  const only = async (ledger: Awaited<ReturnType<typeof openLedger>>): Promise<string> => {
    const { traces }: Page = await json(await ledger.fetch(`/v1/traces?${RANGE}&billable=all`));
    return traces[0]!.id;
  };

  it("adds the receipt, whose lines add up to the cost", async () => {
    const ledger = await openLedger();
    await ledger.write([
      call(1, { input_tokens: 2_000, cache_read_tokens: 400, cache_write_tokens: 600, cache_write_1h_tokens: 500 }),
    ]);
    const trace = await json<Record<string, unknown>>(await ledger.fetch(`/v1/traces/${await only(ledger)}`));
    // 1,000 x $3 + 400 x $0.30 + 100 x $3.75 + 500 x $6 + 100 x $15 per MTok
    expect(trace).toMatchObject({ cost_usd: "0.007995", client_id: "call-1" });
    expect(trace["receipt"]).toEqual({
      lines: [
        { bucket: "input", quantity: 1_000, unit: "token", unit_price_usd: "0.000003", cost_usd: "0.003" },
        { bucket: "cache_read", quantity: 400, unit: "token", unit_price_usd: "0.0000003", cost_usd: "0.00012" },
        { bucket: "cache_write", quantity: 100, unit: "token", unit_price_usd: "0.00000375", cost_usd: "0.000375" },
        { bucket: "cache_write_1h", quantity: 500, unit: "token", unit_price_usd: "0.000006", cost_usd: "0.003" },
        { bucket: "output", quantity: 100, unit: "token", unit_price_usd: "0.000015", cost_usd: "0.0015" },
      ],
      total_usd: "0.007995",
      price_source: "genai-prices",
      price_version: expect.stringMatching(/^\d+\.\d+\.\d+$/),
      price_provider: "anthropic",
      price_model: "claude-sonnet-4-5",
      price_confidence: "exact",
      price_confidence_reason: null,
      price_correction: null,
      usage_semantics: "inclusive",
    });
  });

  const receiptOf = async (item: Item): Promise<Record<string, unknown>> => {
    const ledger = await openLedger();
    await ledger.write([item]);
    return await json<Record<string, unknown>>(await ledger.fetch(`/v1/traces/${await only(ledger)}`));
  };

  it("tells whose price it is, how far to trust it, what decided the usage, and what is not understood", async () => {
    // The catalogue does not stand for this entry.
    const usage = { prompt_tokens: 10, completion_tokens: 5, vibes: 3, cost: 0.5 };
    const item = { id: "a", timestamp: MONDAY, provider: "openai.chat", model: "gpt-chat-latest", usage };
    expect(await receiptOf(item)).toMatchObject({
      provider: "openai",
      request_provider: "openai.chat",
      reported_cost_usd: "0.5",
      unknown_usage_members: ["vibes"],
      unpriced_reason: null,
      receipt: {
        price_source: "genai-prices",
        price_confidence: "approximate",
        price_confidence_reason: expect.any(String) as string,
        price_correction: null,
        usage_semantics: "provider usage (openai)",
      },
    });
    const unpriced = await receiptOf(call(1, { model: "nobody-knows" }));
    expect(unpriced).toMatchObject({ unpriced_reason: "model_unknown", receipt: { price_confidence: null } });
  });

  it("has a line for images, for the fee of the call and for searches, each in its unit", async () => {
    const image = { provider: "google", model: "gemini-2.5-flash-image" };
    const made = { input_tokens: 1_000, input_image_tokens: 258, output_tokens: 1_300, output_image_tokens: 1_290 };
    // 742 x $0.30 + 258 x $0.30 + 10 x $2.50 + 1,290 x $30 per MTok
    expect(await receiptOf(call(1, { ...image, ...made }))).toMatchObject({
      input_image_tokens: 258,
      output_image_tokens: 1_290,
      web_searches: null,
      cost_usd: "0.039025",
      receipt: {
        lines: [
          { bucket: "input", quantity: 742, unit: "token", unit_price_usd: "0.0000003", cost_usd: "0.0002226" },
          { bucket: "input_image", quantity: 258, unit: "token", unit_price_usd: "0.0000003", cost_usd: "0.0000774" },
          { bucket: "output", quantity: 10, unit: "token", unit_price_usd: "0.0000025", cost_usd: "0.000025" },
          { bucket: "output_image", quantity: 1_290, unit: "token", unit_price_usd: "0.00003", cost_usd: "0.0387" },
        ],
        total_usd: "0.039025",
      },
    });
    // $3 + $15 per MTok, 3 x $10 / 1,000
    const searched = await receiptOf(call(1, { web_searches: 3 }));
    expect(searched).toMatchObject({ web_searches: 3, cost_usd: "0.0345" });
    expect((searched["receipt"] as { lines: unknown[] }).lines.at(-1)).toEqual({
      bucket: "web_search",
      quantity: 3,
      unit: "search",
      unit_price_usd: "0.01",
      cost_usd: "0.03",
    });
    // 1,000 x $1 + 100 x $1 per MTok + $12 / 1,000
    const sonar = await receiptOf(call(1, { provider: "perplexity", model: "sonar" }));
    expect(sonar).toMatchObject({ cost_usd: "0.0131" });
    expect((sonar["receipt"] as { lines: unknown[] }).lines.at(-1)).toEqual({
      bucket: "request",
      quantity: 1,
      unit: "request",
      unit_price_usd: "0.012",
      cost_usd: "0.012",
    });
  });

  it("has no lines for a failed call that used nothing, whatever the model's fee", async () => {
    const failed = { status: "error", input_tokens: null, output_tokens: null };
    expect(await receiptOf(call(1, { provider: "perplexity", model: "sonar", ...failed }))).toMatchObject({
      cost_usd: "0",
      receipt: { lines: [], total_usd: "0" },
    });
  });

  it("shows searches that have no price, and leaves the call unpriced", async () => {
    // Gemini's fee for searches is not in the catalogue.
    const searched = call(1, { provider: "google", model: "gemini-2.5-flash", web_searches: 2 });
    expect(await receiptOf(searched)).toMatchObject({
      cost_usd: null,
      unpriced_reason: "price_unknown",
      receipt: {
        lines: [{ bucket: "input" }, { bucket: "output" }, { bucket: "web_search", quantity: 2, cost_usd: null }],
      },
    });
  });

  it("has no prices for a call that is not priced", async () => {
    const ledger = await openLedger();
    await ledger.write([call(1, { model: "nobody-knows" })]);
    const trace = await json<Record<string, unknown>>(await ledger.fetch(`/v1/traces/${await only(ledger)}`));
    expect(trace).toMatchObject({ cost_usd: null, unpriced_reason: "model_unknown" });
    expect(trace["receipt"]).toMatchObject({
      lines: [
        { bucket: "input", quantity: 1_000, unit_price_usd: null, cost_usd: null },
        { bucket: "output", quantity: 100, unit_price_usd: null, cost_usd: null },
      ],
      total_usd: null,
      price_source: null,
    });
  });

  it("is 404 for another project's trace, and for what is no id", async () => {
    const ledger = await openLedger();
    const other = await openLedger();
    await ledger.write([call(1)]);
    const id = await only(ledger);
    expect((await other.fetch(`/v1/traces/${id}`)).status).toBe(404);
    expect((await ledger.fetch("/v1/traces/x'--")).status).toBe(404);
  });

  it("is gone once: of deletions at the same time one is 204, the others 404", async () => {
    const ledger = await openLedger();
    await ledger.write([call(1), call(2)]);
    const id = await only(ledger);
    const admin = ledgerOf(ledger.projectId, await newKey(ledger.projectId, ["admin"]), appWith({}));
    await admin.fetch("/v1/summary");
    const answers = await Promise.all(
      Array.from({ length: 4 }, () => admin.fetch(`/v1/traces/${id}`, { method: "DELETE" })),
    );
    expect(answers.map(({ status }) => status).toSorted()).toEqual([204, 404, 404, 404]);
    expect((await ledger.summary(RANGE)).totals.requests).toBe(1);
  });

  it("can be taken out with the admin scope: rollups, labels and cached sums follow, before and after a merge", async () => {
    const ledger = await openLedger();
    const admin = ledgerOf(ledger.projectId, await newKey(ledger.projectId, ["admin"]));
    await ledger.write([call(1, { user_id: "ada", duration_ms: 100 }), call(2, { user_id: "ada", duration_ms: 900 })]);
    expect((await ledger.summary(`${RANGE}&include=latency`)).totals).toMatchObject({ requests: 2, cost_usd: "0.009" });
    const id = await only(ledger);
    expect((await ledger.fetch(`/v1/traces/${id}`, { method: "DELETE" })).status).toBe(403);
    expect((await admin.fetch(`/v1/traces/${id}`, { method: "DELETE" })).status).toBe(204);
    expect((await admin.fetch(`/v1/traces/${id}`, { method: "DELETE" })).status).toBe(404);
    const { totals } = await ledger.summary(`${RANGE}&include=latency`);
    expect(totals).toMatchObject({ requests: 1, input_tokens: 1_000, cost_usd: "0.0045" });
    expect(totals.latency_ms!.max).toBeLessThan(102);
    expect((await ledger.summary(`${RANGE}&group_by=user`)).rows).toMatchObject([{ user: "ada", requests: 1 }]);
    expect(await json(await ledger.fetch(`/v1/audit?${RANGE}`))).toMatchObject({ ok: true, mismatches: [] });
  });
});
