import { describe, expect, it } from "vitest";
import { BadCell, FIELDS } from "../../scripts/import/fields.ts";
import { rowToTrace } from "../../scripts/import/row-to-trace.ts";
import { NativeTrace } from "../../src/ingest/decode/native-schema.ts";

function mapping(columns: Record<string, string> = {}, defaults: Record<string, string> = {}, zoneMinutes = 0) {
  return { columns: new Map(Object.entries(columns)), defaults: new Map(Object.entries(defaults)), zoneMinutes };
}

const row = { timestamp: "2026-01-02 03:04:05", model: "gpt-4o" };

describe("rowToTrace", () => {
  it("knows the fields of the native form, and no others", () => {
    expect([...FIELDS.keys()].toSorted()).toEqual(Object.keys(NativeTrace.shape).toSorted());
  });

  it("takes mapped columns, and columns named as fields without being told", () => {
    const trace = rowToTrace(
      { TIMESTAMP: "2023-11-16 18:17:03.9799600", ContextTokens: "4808", GeneratedTokens: "10", model: "gpt-4o" },
      mapping({ timestamp: "TIMESTAMP", input_tokens: "ContextTokens", output_tokens: "GeneratedTokens" }),
    );
    expect(trace).toEqual({
      timestamp: "2023-11-16T18:17:03.979Z",
      model: "gpt-4o",
      input_tokens: 4808,
      output_tokens: 10,
    });
  });

  it("takes lists of ids as JSON, and refuses other texts", () => {
    expect(rowToTrace({ ...row, other_ids: '["a","b"]' }, mapping({}))).toMatchObject({ other_ids: ["a", "b"] });
    expect(rowToTrace({ ...row, other_ids: ["a"] }, mapping({}))).toMatchObject({ other_ids: ["a"] });
    for (const other_ids of ["a", '{"a":1}', 7])
      expect(() => rowToTrace({ ...row, other_ids }, mapping({}))).toThrow(BadCell);
  });

  it("uses defaults only where the row has nothing", () => {
    const defaults = mapping({}, { model: "gpt-4o", provider: "openai" });
    expect(rowToTrace({ ...row, model: "o3", provider: "" }, defaults)).toMatchObject({
      model: "o3",
      provider: "openai",
    });
  });

  it("makes tags of tags.<key>, mapped, named or by default, beside nested ones", () => {
    const trace = rowToTrace(
      { ...row, "tags.team": "search", cost_center: "17", tags: { tier: "gold" } },
      mapping({ "tags.center": "cost_center" }, { "tags.source": "backfill" }),
    );
    expect(trace["tags"]).toEqual({ team: "search", center: "17", tier: "gold", source: "backfill" });
  });

  it("reads nested JSON by a dotted path", () => {
    const trace = rowToTrace({ ...row, usage: { prompt_tokens: 7 } }, mapping({ input_tokens: "usage.prompt_tokens" }));
    expect(trace["input_tokens"]).toBe(7);
  });

  it("leaves an empty cell out, which is not 0", () => {
    expect(rowToTrace({ ...row, input_tokens: "", output_tokens: "0" }, mapping())).toEqual({
      timestamp: "2026-01-02T03:04:05.000Z",
      model: "gpt-4o",
      output_tokens: 0,
    });
  });

  it("leaves out a column that is mapped away, and all that are no fields", () => {
    const trace = rowToTrace({ ...row, status: "200 OK", prompt: "private" }, mapping({ status: "" }));
    expect(trace).not.toHaveProperty("status");
    expect(trace).not.toHaveProperty("prompt");
  });

  it("keeps an amount of money as it is written", () => {
    expect(rowToTrace({ ...row, cost_usd: "0.000000000001" }, mapping())["cost_usd"]).toBe("0.000000000001");
  });

  it.each([
    ["1.5", "1.5"],
    ["-1", "-1"],
    ["1,000", "1,000"],
    ["1e3", "1e3"],
    ["12 tokens", "12 tokens"],
    ["0x10", "0x10"],
    [1.5, "1.5"],
  ])("refuses %j as a token count", (cell, shown) => {
    const convert = () => rowToTrace({ ...row, input_tokens: cell }, mapping());
    expect(convert).toThrow(BadCell);
    expect(convert).toThrow(`input_tokens: "${shown}" is not a whole number`);
  });

  it("refuses a row without time or model", () => {
    expect(() => rowToTrace({ model: "gpt-4o" }, mapping())).toThrow("timestamp is missing");
    expect(() => rowToTrace({ timestamp: "2026-01-02" }, mapping())).toThrow("model is missing");
  });

  it("refuses a numeric id that JSON has already rounded", () => {
    expect(rowToTrace({ ...row, id: 42 }, mapping())["id"]).toBe("42");
    expect(() => rowToTrace({ ...row, id: 2 ** 53 }, mapping())).toThrow("2^53");
  });
});
