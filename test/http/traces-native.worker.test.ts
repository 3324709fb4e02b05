import { describe, expect, it } from "vitest";
import {
  appWith,
  call,
  foundByStoring,
  ingested,
  iso,
  MONDAY,
  openLedger,
  problem,
  QUEUE_MODE,
  WEEK,
} from "./ledger.ts";

const ONE = { accepted: 1, inserted: 1, duplicates: 0, rejected: 0, errors: [] };

async function gzip(text: string): Promise<Uint8Array> {
  const stream = new Response(text).body!.pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

describe("the forms of a native body", () => {
  it("takes one object", async () => {
    const ledger = await openLedger();
    const response = await ledger.post(call());
    expect(await ingested(response)).toEqual(ONE);
    expect(response.headers.get("content-type")).toMatch(/^application\/json/);
  });

  it("takes an array", async () => {
    const ledger = await openLedger();
    expect(await ledger.write([call(), call()])).toEqual({ ...ONE, accepted: 2, inserted: 2 });
  });

  it('takes {"traces": […]}', async () => {
    const ledger = await openLedger();
    expect(await ingested(await ledger.post({ traces: [call(), call(), call()] }))).toMatchObject({ inserted: 3 });
  });

  it("takes NDJSON; a line that is not JSON is an item in error and blocks nothing", async () => {
    const ledger = await openLedger();
    const lines = [JSON.stringify(call()), "{not json", "", `${JSON.stringify(call())}\r`, "[]", ""];
    const response = await ledger.post(lines.join("\n"), { "content-type": "application/x-ndjson" });
    const written = await ingested(response);
    expect(written).toMatchObject({ accepted: 2, inserted: 2, rejected: 2 });
    expect(written.errors.map(({ index, code }) => [index, code])).toEqual([
      [1, "invalid"],
      [3, "invalid"],
    ]);
  });

  it.each([
    ["application/json", JSON.stringify([call({ timestamp: iso(MONDAY) })])],
    ["application/json; charset=utf-8", JSON.stringify({ traces: [call()] })],
    ["application/x-ndjson", `${JSON.stringify(call())}\n`],
  ])("takes gzip as %s", async (type, text) => {
    const ledger = await openLedger();
    const response = await ledger.post(await gzip(text), { "content-type": type, "content-encoding": "gzip" });
    expect(await ingested(response)).toEqual(ONE);
  });

  it.each([
    ["[]", "application/json"],
    ['{"traces":[]}', "application/json"],
    ["", "application/x-ndjson"],
  ])("answers the empty batch %j with zeros", async (body, type) => {
    const ledger = await openLedger();
    expect(await ingested(await ledger.post(body, { "content-type": type }))).toEqual({
      ...ONE,
      accepted: 0,
      inserted: 0,
    });
  });
});

describe("the fields of a native trace", () => {
  it("stores and sums everything that it was sent, ignores what it does not know", async () => {
    const ledger = await openLedger();
    const everything = call({
      application: "shop",
      environment: "prod",
      operation: "chat",
      user_id: "ann",
      session_id: "s1",
      tags: { team: "search" },
      duration_ms: 1_234.5,
      status: "ok",
      service_tier: "default",
      cache_read_tokens: 400,
      reasoning_tokens: 10,
      cost_usd: 0.003,
      response_id: "resp-1",
      trace_id: "t1",
      parent_id: "p1",
      invented_by_a_newer_emitter: { a: [1, null] },
      project_id: "00000000-0000-4000-8000-000000000000",
    });
    expect(await ingested(await ledger.post(everything))).toEqual(ONE);
    const { rows } = await ledger.summary(`${WEEK}&group_by=application,environment,provider,model,operation`);
    expect(rows).toEqual([
      {
        application: "shop",
        environment: "prod",
        provider: "openai",
        model: "gpt-4o",
        operation: "chat",
        requests: 1,
        errors: 0,
        input_tokens: 1_000,
        output_tokens: 100,
        total_tokens: 1_100,
        cache_read_tokens: 400,
        cache_write_tokens: 0,
        reasoning_tokens: 10,
        // 600 x $2.50 + 400 x $1.25 + 100 x $10, per million
        cost_usd: "0.003",
        recorded_cost_usd: "0.003",
        reported_cost_usd: "0.003",
        reported_requests: 1,
        unpriced_requests: 0,
        unpriced_tokens: 0,
        inexact_requests: 0,
        inexact_cost_usd: "0",
        plan_cost_usd: "0",
      },
    ]);
  });

  it("says unknown for what is missing, chat for the operation, and infers the provider of an exact model", async () => {
    const ledger = await openLedger();
    const bare = { timestamp: iso(MONDAY), input_tokens: 1, output_tokens: 1 };
    await ledger.write([
      { ...bare, id: "a", model: "gpt-4o" },
      { ...bare, id: "b", model: "our-own-llama" },
    ]);
    const { rows } = await ledger.summary(`${WEEK}&group_by=model,provider,application,environment,operation`);
    const unknown = { application: "unknown", environment: "unknown", operation: "chat" };
    expect(rows).toMatchObject([
      { ...unknown, model: "gpt-4o", provider: "openai", cost_usd: "0.0000125" },
      { ...unknown, model: "our-own-llama", provider: "unknown", cost_usd: null },
    ]);
  });

  it("stores a call without token counts, unpriced; but a failed one used nothing and costs 0", async () => {
    const ledger = await openLedger();
    const none = { input_tokens: undefined, output_tokens: undefined };
    await ledger.write([
      call({ ...none, application: "silent" }),
      call({ ...none, application: "failed", status: "error", error_type: "timeout" }),
    ]);
    const { rows } = await ledger.summary(`${WEEK}&group_by=application`);
    expect(rows).toMatchObject([
      { application: "failed", requests: 1, errors: 1, cost_usd: "0", unpriced_requests: 0 },
      { application: "silent", requests: 1, errors: 0, cost_usd: null, unpriced_requests: 1, unpriced_tokens: 0 },
    ]);
  });

  it.each([
    ["RFC 3339 in UTC", "2025-03-10T11:30:00Z"],
    ["RFC 3339 with an offset", "2025-03-10T12:30:00+01:00"],
    ["finer than a millisecond", "2025-03-10T11:30:00.000999999Z"],
    ["epoch milliseconds", MONDAY + 11.5 * 3_600_000],
    ["epoch milliseconds with a fraction", MONDAY + 11.5 * 3_600_000 + 0.75],
  ])("reads a timestamp: %s", async (_, timestamp) => {
    const ledger = await openLedger();
    await ledger.write([call({ timestamp })]);
    const { totals } = await ledger.summary("from=2025-03-10T11:30:00.000Z&to=2025-03-10T11:30:00.001Z");
    expect(totals.requests).toBe(1);
  });
});

describe("the same call again", () => {
  it("counts once when it is sent again, and says so", async () => {
    const ledger = await openLedger();
    const items = [call(), call({ tags: { a: "1", b: "2" } }), call({ duration_ms: 12.3456, cost_usd: "0.1" })];
    expect(await ledger.write(items)).toMatchObject({ accepted: 3, inserted: 3, duplicates: 0 });
    const again = { accepted: 3, inserted: 0, duplicates: 3, rejected: 0, errors: [] };
    expect(await ledger.write(items)).toEqual(again);
    expect((await ledger.summary(WEEK)).totals).toMatchObject({ requests: 3, cost_usd: "0.0105" });
  });

  it("counts once when one batch holds it twice", async () => {
    const ledger = await openLedger();
    const item = call();
    expect(await ledger.write([item, call(), item])).toEqual({ ...ONE, accepted: 3, inserted: 2, duplicates: 1 });
    expect((await ledger.summary(WEEK)).totals.requests).toBe(2);
  });

  it("counts once when eight senders race", async () => {
    const ledger = await openLedger(appWith({}));
    const items = Array.from({ length: 40 }, () => call({ user_id: "u", tags: { t: "1" } }));
    const batches = Array.from({ length: 8 }, (_, i) => [...items.slice(i * 5), ...items.slice(0, i * 5)]);
    const written = await Promise.all(batches.map((batch) => ledger.write(batch)));
    // What was stored by several at once cannot be counted for each.
    if (!QUEUE_MODE) expect(written.reduce((sum, { inserted }) => sum + inserted, 0)).toBe(40);
    for (const { accepted, inserted, duplicates } of written) expect(inserted + duplicates).toBe(accepted);
    expect((await ledger.summary(WEEK)).totals).toMatchObject({ requests: 40, cost_usd: "0.14" });
  });

  it("keeps the first content: another is a duplicate with a conflict in errors, sent later or in one batch", async () => {
    const ledger = await openLedger();
    const first = call();
    const other = { ...first, output_tokens: 101 };
    const conflict = (index: number) => ({ index, code: "conflict", message: expect.any(String) });
    expect(await ledger.write([first])).toEqual(ONE);
    expect(await ledger.write([call(), other])).toEqual({
      accepted: 2,
      inserted: 1,
      duplicates: 1,
      rejected: 0,
      errors: foundByStoring(conflict(1)),
    });
    const twin = call();
    expect(await ledger.write([twin, { ...twin, user_id: "else" }])).toMatchObject({
      inserted: 1,
      duplicates: 1,
      errors: foundByStoring(conflict(1)),
    });
    expect((await ledger.summary(WEEK)).totals).toMatchObject({ requests: 3, output_tokens: 300 });
  });

  it("is another call with the same id at another millisecond, or in another project", async () => {
    const [ledger, neighbour] = await Promise.all([openLedger(), openLedger()]);
    const item = call({ timestamp: MONDAY });
    await ledger.write([item, { ...item, timestamp: MONDAY + 1 }]);
    expect(await neighbour.write([item])).toEqual(ONE);
    expect((await ledger.summary(WEEK)).totals.requests).toBe(2);
    expect((await neighbour.summary(WEEK)).totals.requests).toBe(1);
  });
});

it("answers 400 with the same counts and errors when no item could be accepted", async () => {
  const ledger = await openLedger();
  const body = await problem(await ledger.post([{}, call({ model: 7 })]), 400, "all_rejected");
  expect(body).toMatchObject({
    accepted: 0,
    rejected: 2,
    errors: [
      { index: 0, code: "invalid" },
      { index: 1, code: "invalid", message: expect.stringContaining("model") },
    ],
  });
});
