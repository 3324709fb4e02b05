/** What is remembered of questions, and for how long. */
import { describe, expect, it, vi } from "vitest";
import type { Bound } from "../../src/db/client.ts";
import { createQuestions } from "../../src/summary/questions.ts";
import { UTC } from "../../src/summary/zone.ts";
import { HOUR_MS } from "../../src/time.ts";

const NOW = Date.UTC(2026, 10, 30, 9, 30);

function questions() {
  const zones = vi.fn(() => UTC);
  return { zones, ...createQuestions(zones) };
}

it("reads a question once an hour", () => {
  const { read, zones } = questions();
  const first = read("group_by=model", NOW);
  expect(read("group_by=model", NOW + HOUR_MS / 2 - 1)).toBe(first);
  expect(zones).toHaveBeenCalledTimes(1);
  // Without `to`, the range ends with the hour: 10:00, then 11:00.
  const later = read("group_by=model", NOW + HOUR_MS / 2);
  expect(later.query.toMs - first.query.toMs).toBe(HOUR_MS);
  expect(later.digest).not.toBe(first.digest);
});

it("gives the same question in other words the same digest", () => {
  const { read } = questions();
  expect(read("from=2026-11-01&to=2026-11-02", NOW).digest).toBe(
    read(`to=2026-11-02T00:00:00Z&from=${Date.UTC(2026, 10, 1)}&order=-cost_usd`, NOW).digest,
  );
});

it("refuses a wrong question each time", () => {
  const { read } = questions();
  for (let i = 0; i < 2; i++) expect(() => read("group_by=nothing", NOW)).toThrow("group_by");
});

it("remembers a bounded number of questions, and no long ones", () => {
  const { read } = questions();
  const long = `model=${"m".repeat(500)}&model=${"n".repeat(500)}`;
  expect(read(long, NOW)).not.toBe(read(long, NOW));
  const first = read("limit=1", NOW);
  for (let limit = 2; limit <= 1_001; limit++) read(`limit=${limit}`, NOW);
  expect(read("limit=1", NOW)).not.toBe(first);
});

describe("statements", () => {
  const bound = (text: string): Bound => ({ statement: { text }, values: [1, null, "x"] });

  it("are compiled once for the same question, however it is worded, and what they depend on", () => {
    const { read } = questions();
    const first = bound("first");
    expect(read("group_by=model", NOW).compile("a", () => first)).toBe(first);
    expect(read("group_by=model&order=-cost_usd", NOW + 1).compile("a", () => bound("again"))).toBe(first);
    expect(read("group_by=model", NOW).compile("b", () => bound("of b"))).toEqual(bound("of b"));
    expect(read("group_by=user", NOW).compile("a", () => bound("by user"))).toEqual(bound("by user"));
  });

  it("are remembered in a bounded number, and no long ones", () => {
    const { compile } = questions().read("", NOW);
    const [long, first] = [bound("x".repeat(20_000)), bound("first")];
    expect([compile("long", () => long), compile("long", () => first)]).toEqual([long, first]);
    for (let i = 0; i < 101; i++) compile(String(i), () => first);
    const again = bound("again");
    expect(compile("0", () => again)).toBe(again);
  });
});
