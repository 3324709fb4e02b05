import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MAX_INTERVALS, windowsOf } from "../../src/summary/windows.ts";
import { intervalStart, INTERVALS, zoneOf, type Interval } from "../../src/summary/zone.ts";
import { DAY_MS, HOUR_MS } from "../../src/time.ts";

const utc = zoneOf("UTC")!;
const ZONES = [
  "UTC",
  "Europe/Berlin",
  "America/New_York",
  "Asia/Kolkata",
  "America/St_Johns",
  "Australia/Lord_Howe",
  "America/Sao_Paulo",
  "Asia/Beirut",
  "Pacific/Apia",
  "Pacific/Chatham",
  "Asia/Kathmandu",
  "America/Havana",
];

const START = Date.UTC(2018, 0, 1);
const instants = fc.integer({ min: START, max: START + 3 * 366 * DAY_MS });
/** Some lengths around the sizes that matter, some any. */
const lengths = fc.oneof(
  fc.integer({ min: 1, max: 3 * HOUR_MS }),
  fc.integer({ min: 1, max: 60 * DAY_MS }),
  fc.constantFrom(1, HOUR_MS, HOUR_MS - 1, HOUR_MS + 1, DAY_MS, DAY_MS - 1, DAY_MS + 1),
);
const aligned = instants.chain((ms) =>
  fc.constantFrom(ms, Math.floor(ms / HOUR_MS) * HOUR_MS, Math.floor(ms / DAY_MS) * DAY_MS),
);

describe("windowsOf", () => {
  it("tiles the range exactly; weeks and days are whole, in UTC, hours whole hours, and raw is less than an hour at each end of a bucket", () => {
    fc.assert(
      fc.property(
        aligned,
        lengths,
        fc.constantFrom(...INTERVALS),
        fc.constantFrom(...ZONES),
        (from, length, interval, name) => {
          const to = from + length;
          const windows = windowsOf(from, to, interval, zoneOf(name)!)!;
          let at = from;
          for (const { source, fromMs, toMs } of windows) {
            expect(fromMs).toBe(at);
            expect(toMs).toBeGreaterThan(fromMs);
            at = toMs;
            if (source === "week")
              expect([fromMs, toMs].map((ms) => [new Date(ms).getUTCDay(), ms % DAY_MS])).toEqual([
                [1, 0],
                [1, 0],
              ]);
            else if (source === "day") expect([fromMs % DAY_MS, toMs % DAY_MS]).toEqual([0, 0]);
            else if (source === "hour") expect([fromMs % HOUR_MS, toMs % HOUR_MS]).toEqual([0, 0]);
            else expect(Math.floor((toMs - 1) / HOUR_MS) - Math.floor(fromMs / HOUR_MS)).toBeLessThanOrEqual(1);
          }
          expect(at).toBe(to);
        },
      ),
      { numRuns: 500 },
    );
  });

  it("puts each window in the bucket that all its instants belong to", () => {
    const intervals = INTERVALS.filter((interval): interval is Exclude<Interval, "none"> => interval !== "none");
    fc.assert(
      fc.property(
        aligned,
        lengths,
        fc.constantFrom(...intervals),
        fc.constantFrom(...ZONES),
        (from, length, interval, name) => {
          const of = zoneOf(name)!;
          const windows = windowsOf(from, from + length, interval, of)!;
          const buckets = windows.map(({ intervalMs }) => intervalMs);
          expect(buckets).toEqual([...buckets].sort((a, b) => a - b));
          for (const { fromMs, toMs, intervalMs } of windows) {
            for (const ms of [fromMs, Math.floor((fromMs + toMs) / 2), toMs - 1]) {
              expect(intervalStart(of, interval, ms), `${name} ${interval} ${new Date(ms).toISOString()}`).toBe(
                intervalMs,
              );
            }
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  it("takes weeks and days where it can: 90 whole UTC days are three windows", () => {
    const from = Date.UTC(2025, 0, 1);
    const [monday, last] = [Date.UTC(2025, 0, 6), Date.UTC(2025, 2, 31)];
    expect(windowsOf(from, from + 90 * DAY_MS, "none", utc)).toEqual([
      { source: "day", fromMs: from, toMs: monday, intervalMs: 0 },
      { source: "week", fromMs: monday, toMs: last, intervalMs: 0 },
      { source: "day", fromMs: last, toMs: from + 90 * DAY_MS, intervalMs: 0 },
    ]);
  });

  it("cuts ragged ends: raw, hours, days, hours, raw", () => {
    const day = Date.UTC(2025, 0, 2);
    const windows = windowsOf(day - 90 * 60_000, day + DAY_MS + 90 * 60_000, "none", utc)!;
    expect(windows.map(({ source, fromMs, toMs }) => [source, fromMs - day, toMs - day])).toEqual([
      ["raw", -90 * 60_000, -HOUR_MS],
      ["hour", -HOUR_MS, 0],
      ["day", 0, DAY_MS],
      ["hour", DAY_MS, DAY_MS + HOUR_MS],
      ["raw", DAY_MS + HOUR_MS, DAY_MS + 90 * 60_000],
    ]);
  });

  it("reads a day of Kolkata as half an hour raw, 23 hours, half an hour raw", () => {
    const from = Date.UTC(2025, 0, 1, 18, 30);
    const windows = windowsOf(from, from + DAY_MS, "day", zoneOf("Asia/Kolkata")!)!;
    expect(windows.map(({ source, fromMs, toMs }) => [source, (toMs - fromMs) / 60_000])).toEqual([
      ["raw", 30],
      ["hour", 23 * 60],
      ["raw", 30],
    ]);
  });

  it(`gives up past ${MAX_INTERVALS} buckets, not at that many`, () => {
    const from = Date.UTC(2025, 0, 1);
    expect(windowsOf(from, from + MAX_INTERVALS * HOUR_MS, "hour", utc)).toHaveLength(MAX_INTERVALS);
    expect(windowsOf(from, from + MAX_INTERVALS * HOUR_MS + 1, "hour", utc)).toBeNull();
  });
});
