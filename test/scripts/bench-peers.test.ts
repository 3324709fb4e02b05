import { describe, expect, it } from "vitest";
import { expectSame, type Line, ourLines, theirLines } from "../../scripts/bench/peers/answers.ts";
import { rowsOf } from "../../scripts/bench/peers/peer.ts";
import { callsBetween, hoursBetween, type Source, statementOf } from "../../scripts/bench/peers/statement.ts";
import { newCalls, sentAgain } from "../../scripts/bench/peers/writing.ts";
import { QUESTIONS } from "../../scripts/bench/questions.ts";
import type { Summary } from "../../src/summary/shown.ts";
import { DAY_MS, HOUR_MS } from "../../src/time.ts";

const END_MS = Date.UTC(2026, 10, 30);
const queryOf = (id: string) => QUESTIONS.find((question) => question.id === id)!.query({ endMs: END_MS });

const instant = (ms: number): string => String(ms);
const source: Source = {
  instant,
  startOf: (interval, zone) => `start(${interval}, ${zone})`,
  between: callsBetween("calls", instant),
  requests: "count(*)",
  latency: null,
};

describe("a question to another design", () => {
  it("has the interval, then the keys, then the sums", () => {
    expect(statementOf(source, queryOf("berlin"))).toBe(
      `select start(day, Europe/Berlin), application, count(*), sum(input_tokens), sum(output_tokens), sum(cache_read_tokens), sum(cost_usd)
from calls where started_at >= ${END_MS - 90 * DAY_MS} and started_at < ${END_MS}
group by 1, 2`,
    );
  });

  it("is not asked where no answer would be right", () => {
    expect(statementOf(source, queryOf("by_model_latency"))).toBeNull();
  });

  it("is about whole hours and the calls at both edges", () => {
    const between = hoursBetween("hours", "calls", instant);
    // From 00:15 to 02:30: the hour from 01:00, and the calls of 45 and of 30 minutes.
    const ragged = between(HOUR_MS / 4, 2.5 * HOUR_MS);
    expect(ragged).toContain(`hours where started_at >= ${HOUR_MS} and started_at < ${2 * HOUR_MS}`);
    expect(ragged).toContain(
      `(started_at >= ${HOUR_MS / 4} and started_at < ${HOUR_MS}) or (started_at >= ${2 * HOUR_MS} and started_at < ${2.5 * HOUR_MS})`,
    );
    expect(between(0, HOUR_MS)).toBe(`hours where started_at >= 0 and started_at < ${HOUR_MS}`);
  });
});

describe("an answer of another design", () => {
  const query = queryOf("by_model_latency");
  const summary = {
    rows: [
      {
        model: "gpt-4o",
        requests: 3,
        input_tokens: 30,
        output_tokens: 6,
        cache_read_tokens: 0,
        cost_usd: "0.0012",
        latency_ms: { mean: 2.333, p50: 2.0, p90: 3.0, p95: 3.0, p99: 3.0, max: 4.0 },
      },
    ],
  } as unknown as Summary;
  // 7,000 us of 3 calls: 2.333 ms.
  const cells = ["gpt-4o", "3", "30", "6", "0", "0.001200000000", "7000", ["2010", "3000", "3000", "3000"], "4000"];
  const compare = (theirs: unknown[][], error = 0): void =>
    expectSame("it", ourLines(summary, query), theirLines(theirs, query), error);
  const changed = (at: number, value: string | string[]): unknown[][] => [cells.with(at, value)];

  it("is the same, whatever the zeros after the point, and with percentiles that are 0.5% off", () => {
    compare([cells]);
  });

  it.each([
    ["a call more", changed(1, "4")],
    ["a pico-USD more", changed(5, "0.001200000001")],
    ["another key", changed(0, "gpt-4")],
    ["another mean", changed(6, "7002")],
    ["a row more", [cells, cells]],
    ["a row less", []],
    ["a percentile that is missing", changed(7, ["2010", "3000", "nan", "3000"])],
    // Each of them is near enough, the maximum in the place of another, too.
    ["percentiles that are too few", [cells.with(7, ["2010", "3000", "3000"]).with(8, "3000")]],
  ])("differs by %s", (_, theirs) => {
    expect(() => compare(theirs)).toThrow("it");
  });

  it("may be off by what it promises of percentiles, and no more", () => {
    const off = changed(7, ["2040", "3000", "3000", "3000"]);
    expect(() => compare(off)).toThrow("the percentile 2.04 ms, ours 2 ms");
    compare(off, 0.01);
  });

  it("is compared as it is where nothing has a point", () => {
    const [line] = theirLines([cells.with(5, "100")], query) as [Line];
    expect(line.exact).toBe("gpt-4o 3 30 6 0 100 2.333");
  });
});

it("tells what is counted twice when calls are sent again", async () => {
  const items = Array.from({ length: 1_500 }, (_, i) => i);
  const stored: number[] = [];
  const counted = (): Promise<number> => Promise.resolve(stored.length);
  const everything = (batch: readonly number[]): Promise<unknown> => Promise.resolve(stored.push(...batch));
  expect(await sentAgain(everything, counted, items)).toEqual({ same: 1_000, overlapping: 500 });

  const known = new Set<number>();
  const once = (batch: readonly number[]): Promise<unknown> => Promise.resolve(batch.map((item) => known.add(item)));
  expect(await sentAgain(once, () => Promise.resolve(known.size), items)).toEqual({ same: 0, overlapping: 0 });
});

it("gives other designs the ledger's keys and costs", () => {
  const rows = rowsOf(newCalls(END_MS, 100), END_MS);
  expect(new Set(rows.map(({ id }) => id)).size).toBe(100);
  expect(rows.every(({ cost_usd }) => Number(cost_usd) > 0)).toBe(true);
});
