/** The native form's schema against its decoder: neither takes what the other does not. */
import { type Schema, Validator } from "@cfworker/json-schema";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { decodeNative } from "../../../src/ingest/decode/native.ts";
import { NativeTrace } from "../../../src/ingest/decode/native-schema.ts";
import { COUNT_FIELDS, COUNT_NAMES } from "../../../src/ledger/call.ts";

const NOW = Date.UTC(2026, 10, 1);
const validator = new Validator(z.toJSONSchema(NativeTrace, { io: "input" }) as Schema, "2020-12");

const fits = (item: unknown): boolean => validator.validate(item).valid;
const refusal = (item: unknown): string | null => decodeNative([item], NOW).errors[0]?.message ?? null;

/** What JSON Schema cannot say, or does not: what counts are in an object of the provider's is for the decoder. */
const BEYOND_A_SCHEMA =
  /half a surrogate|tag name must have 1 to|before 2020 or more than|exceed|RFC 3339 with an offset, or epoch|at most 12 decimals|nested deeper|^usage\.prompt_tokens must be/;

const COUNTS = COUNT_FIELDS.map((field) => COUNT_NAMES[field]);
const text = fc.oneof(
  fc.string({ maxLength: 20 }),
  fc.constantFrom("", "gpt-4o", "openai", "a\0b", "é", "x".repeat(512), "x".repeat(513)),
);
const odd = fc.oneof(
  fc.constantFrom<unknown>(null, true, false, 0, -1, 1.5, Infinity, -0, "", "1", [], {}, [1], { a: "b" }),
  fc.jsonValue({ maxDepth: 2 }),
);
const count = fc.oneof(fc.nat(5_000), fc.constantFrom(0, 2 ** 31 - 1, 2 ** 31, -1, 0.5));
const timestamp = fc.oneof(
  fc.constantFrom<unknown>("2026-10-05T09:30:00Z", "2026-10-05t09:30:00.123456+02:00", "2026-10-05", 1_791_192_600_000),
  fc.constantFrom<unknown>("2026-10-05 09:30:00Z", "2026-10-05T09:30:00", "yesterday", "infinity", 1.5, 0),
);
const tagName = fc.oneof(fc.string({ maxLength: 8 }), fc.constantFrom("constructor", "t".repeat(128), "t".repeat(129)));
const tags = fc.dictionary(tagName, fc.oneof(text, odd), { maxKeys: 4 });
const cost = fc.oneof(
  fc.constantFrom<unknown>(0.0035, "0.0035", "1e-12", "1e-13", "-1", ".5", "1.", 9_223_372, 9_223_373, "1e7", "x"),
  fc.double({ min: 0, max: 10, noNaN: true }).map((usd) => Number(usd.toFixed(6))),
);

/** What has no line of its own below. */
const TEXTS = Object.keys(NativeTrace.shape).filter((name) => name !== "usage");
const FIELDS: Record<string, fc.Arbitrary<unknown>> = {
  ...Object.fromEntries(TEXTS.map((name) => [name, text])),
  id: text,
  timestamp,
  model: text,
  status: fc.constantFrom("ok", "error", "", "OK"),
  duration_ms: fc.oneof(fc.double({ min: -1, max: 1e6, noNaN: true }), fc.constant(366 * 86_400_000 + 1)),
  tags,
  other_ids: fc.array(text, { maxLength: 5 }),
  cost_usd: cost,
  cost_is: fc.constantFrom("exact", "lower_bound", "estimate", "", "about"),
  unknown_field: odd,
  ...Object.fromEntries(COUNTS.map((name) => [name, count])),
};
/** Looked at only where no tokens are counted. */
const usage = fc.constantFrom<unknown>(undefined, null, {}, [], { prompt_tokens: 3 }, { prompt_tokens: "3" });
const whole = { id: "a", timestamp: "2026-10-05T09:30:00Z", model: "gpt-4o" };

/** A whole item, some of whose fields are replaced by what they may be, or by anything. */
const item = fc
  .tuple(
    fc.constantFrom<object>({}, { input_tokens: 20_000, output_tokens: 20_000 }),
    fc.array(fc.oneof(...Object.entries(FIELDS).map(([name, of]) => fc.tuple(fc.constant(name), of))), {
      maxLength: 4,
    }),
    fc.array(fc.tuple(fc.constantFrom(...Object.keys(FIELDS)), odd), { maxLength: 1 }),
    usage,
  )
  .map(([tokens, fields, wrong, usage]): Record<string, unknown> => ({
    ...whole,
    ...tokens,
    ...(usage !== undefined && { usage }),
    ...Object.fromEntries([...fields, ...wrong]),
  }));

describe("the schema of a native trace", () => {
  it("takes what the decoder takes", () => {
    let taken = 0;
    fc.assert(
      fc.property(item, (item) => {
        if (refusal(item) !== null) return;
        taken++;
        expect(fits(item), JSON.stringify(item)).toBe(true);
      }),
      { numRuns: 5_000 },
    );
    expect(taken).toBeGreaterThan(1_000);
  });

  it("refuses what the decoder refuses, but for what no schema can say", () => {
    let refused = 0;
    fc.assert(
      fc.property(item, (item) => {
        const message = refusal(item);
        if (message === null || BEYOND_A_SCHEMA.test(message)) return;
        refused++;
        expect(fits(item), `${message}: ${JSON.stringify(item)}`).toBe(false);
      }),
      { numRuns: 5_000 },
    );
    expect(refused).toBeGreaterThan(1_000);
  });

  it("lists the fields that are read, and no others", () => {
    const read = new Set<string | symbol>();
    const watched = new Proxy<Record<string, unknown>>(whole, {
      get: (item, name) => {
        read.add(name);
        return item[String(name)];
      },
    });
    expect(refusal(watched)).toBeNull();
    expect([...read].toSorted()).toEqual(Object.keys(NativeTrace.shape).toSorted());
  });

  it("lists fields each of which is refused by both with a value of no type that it has", () => {
    for (const name of Object.keys(NativeTrace.shape).filter((name) => name !== "usage")) {
      expect([name, refusal({ ...whole, [name]: [true] }) === null]).toEqual([name, false]);
      expect([name, fits({ ...whole, [name]: [true] })]).toEqual([name, false]);
    }
    expect([refusal({ ...whole, usage: "3" }) === null, fits({ ...whole, usage: "3" })]).toEqual([false, false]);
  });

  it.each([
    ["no object", null],
    ["an array", []],
    ["a field called constructor", JSON.parse('{"id":"a","timestamp":1791192600000,"model":"m","constructor":1}')],
    ["a field called __proto__", JSON.parse('{"id":"a","timestamp":1791192600000,"model":"m","__proto__":1}')],
    ["51 tags", { ...whole, tags: Object.fromEntries(Array.from({ length: 51 }, (_, i) => [`t${i}`, ""])) }],
    ["a tag's value of 513 characters", { ...whole, tags: { team: "x".repeat(513) } }],
  ])("and the decoder refuse %s", (_, item) => {
    expect([refusal(item) === null, fits(item)]).toEqual([false, false]);
  });
});
