import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cursorsFor, readCursor } from "../../src/export/cursor.ts";

const RANGE = { fromMs: 1, toMs: 1_000 };

describe("a cursor", () => {
  it("says where its export was, whatever the keys, in characters that need no escaping", () => {
    const position = fc.record({
      intervalMs: fc.integer({ min: 0, max: 4e12 }),
      keys: fc.array(fc.option(fc.string({ unit: "grapheme" }).filter((key) => !key.includes("\0")))),
      line: fc.nat(30),
    });
    fc.assert(
      fc.property(position, (position) => {
        const cursor = cursorsFor("question", RANGE)(position);
        expect(cursor).toMatch(/^[\w.-]+$/);
        expect(readCursor(cursor)).toEqual({ ...RANGE, position });
      }),
    );
  });

  it("is another one for another question, range and line", () => {
    const position = { intervalMs: 0, keys: ["a"], line: 0 };
    const cursors = [
      cursorsFor("a", RANGE)(position),
      cursorsFor("b", RANGE)(position),
      cursorsFor("a", { ...RANGE, toMs: 2_000 })(position),
      cursorsFor("a", RANGE)({ ...position, line: 1 }),
    ];
    expect(new Set(cursors).size).toBe(4);
  });

  it("is null for anything else", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(readCursor(text)).toBeNull();
      }),
    );
    for (const fields of [
      [],
      {},
      null,
      1,
      [1, 2, 3, 4, "x"],
      [1, 2, 3, 0.5, []],
      [1, 2, 3, 4, [5]],
      [1, 2, 3, 4, ["\0"]],
      ["1", 2, 3, 4, []],
    ]) {
      expect(readCursor(btoa(JSON.stringify(fields)))).toBeNull();
    }
  });
});
