import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MAX_PARSED_DEPTH, nestsDeeper, scanJson } from "../../../src/ingest/decode/nesting.ts";

/** The same, counted on the parsed value. */
function countIn(value: unknown): { depth: number; containers: number; members: number } {
  if (typeof value !== "object" || value === null) return { depth: 0, containers: 0, members: 0 };
  const parts = Object.values(value).map(countIn);
  return {
    depth: 1 + Math.max(0, ...parts.map(({ depth }) => depth)),
    containers: 1 + parts.reduce((sum, part) => sum + part.containers, 0),
    members: (Array.isArray(value) ? 0 : parts.length) + parts.reduce((sum, part) => sum + part.members, 0),
  };
}

describe("scanJson", () => {
  it("finds what parsing would make, whatever texts hold", () => {
    const text = fc.oneof(fc.string(), fc.constantFrom('"', "\\", '\\"', "[{:", "]}", 'a\\\\"', "\u2028", "é"));
    const { json } = fc.letrec((tie) => ({
      json: fc.oneof(
        { depthSize: "medium" },
        fc.constantFrom(null, 1, true),
        text,
        fc.array(tie("json"), { maxLength: 4 }),
        fc.dictionary(text, tie("json"), { maxKeys: 4 }),
      ),
    }));
    fc.assert(
      fc.property(json, fc.constantFrom(0, 2), (value, indent) => {
        const scanned = scanJson(JSON.stringify(value, null, indent));
        // Not with what JSON.parse makes of it: V8 13.6 may read the member `"` as `\` if it has read one of that name.
        expect(scanned).toEqual(countIn(value));
        expect(nestsDeeper(value, scanned.depth)).toBe(false);
        if (scanned.depth > 0) expect(nestsDeeper(value, scanned.depth - 1)).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  it("ends on any text, and stops where it is too deep", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('"', "\\", "[", "}", ":", "x") }), (text) => void scanJson(text)),
    );
    expect(scanJson("[".repeat(8_000_000))).toEqual({ depth: MAX_PARSED_DEPTH + 1, containers: 513, members: 0 });
  });
});
