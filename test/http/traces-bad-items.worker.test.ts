/** One bad item of a batch: never a 500, never in the way of the good ones around it. */
import { describe, expect, it } from "vitest";
import {
  call,
  ingested,
  iso,
  json,
  MONDAY,
  openLedger,
  problem,
  WEEK,
  type Item,
  type Ledger,
  type Written,
} from "./ledger.ts";

/** Sends a good item, the bad one as JSON text, a good item. */
async function sendAmongGood(ledger: Ledger, bad: string): Promise<Written> {
  const body = `[${JSON.stringify(call())},${bad},${JSON.stringify(call())}]`;
  return await ingested(await ledger.post(body));
}

async function expectRefused(bad: string | Item, code = "invalid", message = /./): Promise<void> {
  const ledger = await openLedger();
  const written = await sendAmongGood(ledger, typeof bad === "string" ? bad : JSON.stringify(bad));
  expect(written).toMatchObject({ accepted: 2, inserted: 2, duplicates: 0, rejected: 1 });
  expect(written.errors).toEqual([{ index: 1, code, message: expect.stringMatching(message) }]);
  expect((await ledger.summary(WEEK)).totals).toMatchObject({ requests: 2, cost_usd: "0.007" });
}

/** An item with one field written as this JSON text, which `JSON.stringify` could not write. */
function withJson(field: string, value: string): string {
  const item = call();
  delete item[field];
  return `{"${field}":${value},${JSON.stringify(item).slice(1)}`;
}

const TOKEN_FIELDS = [
  "input_tokens",
  "output_tokens",
  "cache_read_tokens",
  "cache_write_tokens",
  "cache_write_5m_tokens",
  "cache_write_1h_tokens",
  "reasoning_tokens",
  "input_audio_tokens",
  "output_audio_tokens",
  "input_image_tokens",
  "output_image_tokens",
  "web_searches",
];

describe("an item may nest 32 levels, also in members that are ignored", () => {
  const deep = (levels: number): string => "[".repeat(levels - 1) + "]".repeat(levels - 1);
  const TOO_DEEP = { index: 1, code: "too_deep", message: "the item is nested deeper than 32 levels" };
  const good = (): string => JSON.stringify(call());
  const bodies: [string, string, (item: string) => string][] = [
    ["an array", "application/json", (item) => `[${good()},${item},${good()}]`],
    ["traces", "application/json", (item) => `{"traces":[${good()},${item},${good()}]}`],
    ["NDJSON", "application/x-ndjson", (item) => `${good()}\n${item}\n${good()}`],
  ];

  it.each(bodies)("in %s", async (_, type, bodyOf) => {
    const ledger = await openLedger();
    const send = async (levels: number): Promise<Written> => {
      const body = bodyOf(withJson("anything", deep(levels)));
      return await ingested(await ledger.post(body, { "content-type": type }));
    };
    expect(await send(32)).toMatchObject({ inserted: 3, errors: [] });
    for (const levels of [33, 512 - 2]) expect(await send(levels)).toMatchObject({ inserted: 2, errors: [TOO_DEEP] });
  });

  it("also where it is an array instead of an object", () => expectRefused(deep(40), "too_deep"));

  it("a body of one item is 400", async () => {
    const ledger = await openLedger();
    const answer = await problem(await ledger.post(withJson("anything", deep(33))), 400, "all_rejected");
    expect(answer["errors"]).toEqual([{ ...TOO_DEEP, index: 0 }]);
  });

  it("in OTLP", async () => {
    const ledger = await openLedger();
    const value = (levels: number): unknown =>
      levels === 0 ? { stringValue: "x" } : { arrayValue: { values: [value(levels - 1)] } };
    const span = (spanId: string, levels: number) => ({
      traceId: "0af7651916cd43dd8448eb211c80319c",
      spanId,
      startTimeUnixNano: String(MONDAY * 1_000_000),
      endTimeUnixNano: String(MONDAY * 1_000_000),
      attributes: [
        { key: "gen_ai.operation.name", value: { stringValue: "chat" } },
        { key: "gen_ai.request.model", value: { stringValue: "gpt-4o" } },
        { key: "prompt", value: value(levels) },
      ],
    });
    const spans = [span("00f067aa0ba90201", 1), span("00f067aa0ba90202", 40), span("00f067aa0ba90203", 31)];
    const answer = await ledger.post({ resourceSpans: [{ scopeSpans: [{ spans }] }] });
    expect(await json(answer)).toMatchObject({ partialSuccess: { rejectedSpans: "1" } });
    expect((await ledger.summary(WEEK)).totals.requests).toBe(2);
  });
});

describe("token counts are whole numbers from 0 to 2^31-1, never coerced", () => {
  it.each(["1e400", "2147483648", "-1", "1.5", '""', "true", '"12abc"', '"12"', "[1]", "{}"])("refuses %s", (value) =>
    expectRefused(withJson("input_tokens", value), "invalid", /input_tokens/),
  );

  it.each(TOKEN_FIELDS)("refuses a negative %s by name", (field) =>
    expectRefused(withJson(field, "-1"), "invalid", new RegExp(field)),
  );

  it("takes 0, 1.0, 2^31-1 and null", async () => {
    const ledger = await openLedger();
    const items = ["0", "1.0", "2147483647", "null"].map((value) => withJson("input_tokens", value));
    expect(await ingested(await ledger.post(`[${items.join()}]`))).toMatchObject({ inserted: 4, errors: [] });
  });

  it("sums counts at the limit without overflow, priced or not", async () => {
    const ledger = await openLedger();
    const most = { input_tokens: 2 ** 31 - 1, output_tokens: 2 ** 31 - 1 };
    await ledger.write([call(most), call({ ...most, model: "nobody-knows-it" })]);
    const { totals } = await ledger.summary(WEEK);
    // (2^31-1) x $12.50/MTok
    expect(totals).toMatchObject({
      input_tokens: 4_294_967_294,
      total_tokens: 8_589_934_588,
      unpriced_tokens: 4_294_967_294,
      cost_usd: "26843.5455875",
    });
  });
});

describe("parts of a usage fit into their totals", () => {
  it.each([
    ["cached > input", { cache_read_tokens: 1_001 }],
    ["cache reads and writes > input", { cache_read_tokens: 600, cache_write_tokens: 401 }],
    ["audio > input", { input_audio_tokens: 1_001 }],
    ["cached and images > input", { cache_read_tokens: 600, input_image_tokens: 401 }],
    ["reasoning and images > output", { reasoning_tokens: 60, output_image_tokens: 41 }],
    ["5m and 1h writes > all writes", { cache_write_tokens: 10, cache_write_5m_tokens: 6, cache_write_1h_tokens: 5 }],
    ["reasoning > output", { reasoning_tokens: 101 }],
  ])("refuses %s", (_, fields) => expectRefused(call(fields)));

  it.each([
    ["cache writes by age", { cache_write_5m_tokens: 2 ** 31 - 1, cache_write_1h_tokens: 2 ** 31 - 1 }],
    ["parts", { cache_read_tokens: 2 ** 31 - 1, cache_write_tokens: 2 ** 31 - 1 }],
    ["output parts", { reasoning_tokens: 2 ** 31 - 1, output_audio_tokens: 2 ** 31 - 1 }],
  ])("refuses %s that no total could hold, also where the total is missing", (_, parts) =>
    expectRefused(call({ input_tokens: null, output_tokens: null, ...parts })),
  );
});

describe("money", () => {
  it.each(["1e400", "-0.01", '"NaN"', '"Infinity"', '"-1"', '""', "true", "0.0000000000001", '"0.1234567890123"'])(
    "refuses cost_usd %s",
    (value) => expectRefused(withJson("cost_usd", value), "invalid", /cost_usd/),
  );

  it("refuses a cost past 2^63-1 pico-USD", () => expectRefused(withJson("cost_usd", "9223373")));

  it("refuses a cost of a million digits at once", async () => {
    const began = Date.now();
    await expectRefused(call({ cost_usd: "9".repeat(2_000_000) }), "invalid", /cost_usd/);
    await expectRefused(call({ cost_usd: `0.${"0".repeat(2_000_000)}1` }), "invalid", /cost_usd/);
    expect(Date.now() - began).toBeLessThan(2_000);
  });

  it("takes a cost of 12 decimals, as number or string", async () => {
    const ledger = await openLedger();
    const items = ["1e-12", '"0.123456789012"', "0", '"9223372.036854775807"'].map((cost) =>
      withJson("cost_usd", cost),
    );
    expect(await ingested(await ledger.post(`[${items.join()}]`))).toMatchObject({ inserted: 4, errors: [] });
  });
});

describe("timestamps lie between 2020 and five minutes ahead", () => {
  it.each([
    ["six minutes ahead", () => iso(Date.now() + 6 * 60_000)],
    ["before 2020", () => "2019-12-31T23:59:59.999Z"],
    ["the year 9999", () => "9999-12-31T23:59:59Z"],
    ["infinity", () => "infinity"],
    ["-infinity", () => "-infinity"],
    ["the year 275760", () => "+275760-09-13T00:00:00.000Z"],
    ["the year 275760 in ms", () => 8_640_000_000_000_000],
    ["seconds instead of ms", () => 1_741_564_800],
    ["a negative number", () => -1],
  ])("refuses %s as timestamp_range", (_, timestamp) =>
    expectRefused(call({ timestamp: timestamp() }), "timestamp_range", /timestamp/),
  );

  it("refuses 1e400 as timestamp_range", () => expectRefused(withJson("timestamp", "1e400"), "timestamp_range"));

  it.each(["", "yesterday", "2025-03-10T11:30:00", "2025-02-29T00:00:00Z", true, null, {}])(
    "refuses %j, which is no time",
    (timestamp) => expectRefused(call({ timestamp }), "invalid", /timestamp/),
  );

  it("takes four minutes ahead, and the first millisecond of 2020", async () => {
    const ledger = await openLedger();
    const items = [call({ timestamp: Date.now() + 4 * 60_000 }), call({ timestamp: "2020-01-01T00:00:00Z" })];
    expect(await ledger.write(items)).toMatchObject({ inserted: 2, errors: [] });
  });
});

describe("durations are finite and not negative", () => {
  it.each(["-1", "-0.001", "1e400", '"12"', "true", "1e300"])("refuses duration_ms %s", (value) =>
    expectRefused(withJson("duration_ms", value), "invalid", /duration_ms/),
  );
});

describe("text", () => {
  const TEXTS = ["id", "model", "provider", "application", "environment", "operation", "user_id", "session_id"];

  it.each([...TEXTS, "trace_id", "parent_id", "response_id", "error_type", "service_tier"])(
    "refuses a %s over 512 characters, with NUL, with half a surrogate pair, and one that is no text",
    async (field) => {
      const ledger = await openLedger();
      const values = ["x".repeat(513), "a\0b", "a\ud800", 7, true, ["x"], { x: 1 }];
      const written = await ledger.write([...values.map((value) => call({ [field]: value })), call()]);
      expect(written).toMatchObject({ inserted: 1, rejected: values.length });
      for (const { message } of written.errors) expect(message).toContain(field);
    },
  );

  it("takes 512 characters of any script", async () => {
    const ledger = await openLedger();
    const item = Object.fromEntries(TEXTS.map((field) => [field, '日本 "q" \\ {,} 🚀'.padEnd(512, "é")]));
    expect(await ledger.write([call(item)])).toMatchObject({ inserted: 1, errors: [] });
    const { rows } = await ledger.summary(`${WEEK}&group_by=application,user`);
    expect(rows).toMatchObject([{ application: item["application"], user: item["user_id"] }]);
  });

  it.each(["id", "model", "timestamp"])("refuses an item without %s", (field) =>
    expectRefused(call({ [field]: undefined }), "invalid", new RegExp(`${field} is required`)),
  );

  it.each(["id", "model"])("refuses an empty %s", (field) => expectRefused(call({ [field]: "" })));

  it("refuses a status other than ok and error", () => expectRefused(call({ status: "failed" }), "invalid", /status/));
});

describe("tags", () => {
  it("replaces NUL and half surrogate pairs in values", async () => {
    const ledger = await openLedger();
    await ledger.write([call({ tags: { team: "a\0b" } }), call({ tags: { team: "a\ud800b" } })]);
    const { rows } = await ledger.summary(`${WEEK}&group_by=tag.team`);
    expect(rows).toMatchObject([{ "tag.team": "a\ufffdb", requests: 2 }]);
  });

  it.each([
    ["a list", []],
    ["text", "team=search"],
    ["a number as value", { team: 7 }],
    ["a nested value", { team: { name: "search" } }],
    ["a NUL in a name", { "te\0am": "x" }],
    ["half a surrogate pair in a name", { "te\ud800": "x" }],
    ["an empty name", { "": "x" }],
    ["an over-long name", { ["k".repeat(129)]: "x" }],
    ["an over-long value", { team: "v".repeat(513) }],
    ["more than 50", Object.fromEntries(Array.from({ length: 51 }, (_, i) => [`k${i}`, "v"]))],
  ])("refuses %s", (_, tags) => expectRefused(call({ tags }), "invalid", /tag/));
});

describe("names that would reach prototypes", () => {
  it.each(["__proto__", "constructor"])("refuses %s as a field and as a tag", async (name) => {
    await expectRefused(withJson(name, '{"polluted":true}'));
    await expectRefused(withJson("tags", `{"${name}":"x"}`));
    expect(({} as Item)["polluted"]).toBeUndefined();
  });
});

it.each([[[]], [[1]], ["text"], [7], [null], [true]])("refuses an item that is %j", (item) =>
  expectRefused(JSON.stringify(item)),
);

it("accepts an unknown model, unpriced", async () => {
  const ledger = await openLedger();
  expect(await ledger.write([call({ model: "grok-99-turbo-nano" })])).toMatchObject({ inserted: 1, errors: [] });
  expect((await ledger.summary(WEEK)).totals).toMatchObject({
    requests: 1,
    cost_usd: null,
    recorded_cost_usd: null,
    unpriced_requests: 1,
    unpriced_tokens: 1_100,
  });
});

it("never lets a project id in a body choose the tenant", async () => {
  const [ledger, victim] = await Promise.all([openLedger(), openLedger()]);
  await ledger.write([call({ project_id: victim.projectId, timestamp: iso(MONDAY) })]);
  expect((await victim.summary(WEEK)).totals.requests).toBe(0);
  expect((await ledger.summary(WEEK)).totals.requests).toBe(1);
});
