import { expect, it } from "vitest";
import { createMemory, isSame, sizeOf } from "../../src/page/memory.ts";

it("keeps the last ones, by number and by size", () => {
  const memory = createMemory(2, 1_000);
  memory.set("a", "1");
  memory.set("b", "2");
  memory.set("a", "1");
  memory.set("c", "3");
  expect(["a", "b", "c"].map((name) => memory.get(name))).toEqual(["1", undefined, "3"]);
  // 16 + 900 bytes, and 17 for each of the others: together more than 1,000 with the next one.
  memory.set("large", "x".repeat(900));
  memory.set("next", "y".repeat(100));
  expect([memory.get("large"), memory.get("next")]).toEqual([undefined, "y".repeat(100)]);
});

it("keeps what alone is too large, until the next one", () => {
  const memory = createMemory(10, 100);
  memory.set("large", "x".repeat(900));
  expect(memory.get("large")).toHaveLength(900);
  memory.set("next", "y");
  expect([memory.get("large"), memory.get("next")]).toEqual([undefined, "y"]);
});

it("takes the entries of a list as alike", () => {
  // Each row is 16 + 8 + 16 + 2 = 42 bytes; the list is 16 + 1,000 of them.
  expect(sizeOf(Array.from({ length: 1_000 }, () => ({ name: "ab" })))).toBe(42_016);
  expect(sizeOf([])).toBe(16);
});

it("knows the same answer by its members", () => {
  const rows: unknown[] = [];
  expect(isSame({ by: "model", rows }, { by: "model", rows })).toBe(true);
  expect(isSame({ by: "model", rows }, { by: "model", rows: [] })).toBe(false);
  expect(isSame({ by: "model", rows }, { by: "user", rows })).toBe(false);
  expect(isSame({ a: undefined }, { b: undefined })).toBe(false);
  expect(isSame(null, {})).toBe(false);
});
