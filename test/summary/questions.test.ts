/** What is remembered of questions, and for how long. */
import { expect, it, vi } from "vitest";
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
