import { describe, expect, it } from "vitest";
import { previousPeriod } from "../../src/summary/period.ts";
import { zoneOf } from "../../src/summary/zone.ts";

/** The period before `from` to `to`, both read in the zone's own offset. */
function before(from: string, to: string, name = "UTC"): string[] {
  const previous = previousPeriod({ fromMs: Date.parse(from), toMs: Date.parse(to), zone: zoneOf(name)! });
  return [previous.fromMs, previous.toMs].map((ms) => new Date(ms).toISOString());
}

describe("the period before", () => {
  it("a whole month is the month before, whatever its length", () => {
    expect(before("2025-03-01T00:00Z", "2025-04-01T00:00Z")).toEqual([
      "2025-02-01T00:00:00.000Z",
      "2025-03-01T00:00:00.000Z",
    ]);
    expect(before("2025-01-01T00:00Z", "2025-04-01T00:00Z")[0]).toBe("2024-10-01T00:00:00.000Z");
  });

  it("whole days are as many days, also where one has 23 hours", () => {
    // Berlin's 30 March 2025 has 23 hours.
    const week = before("2025-03-31T00:00+02:00", "2025-04-07T00:00+02:00", "Europe/Berlin");
    expect(week).toEqual(["2025-03-23T23:00:00.000Z", "2025-03-30T22:00:00.000Z"]);
  });

  it("anything else is as long in time", () => {
    expect(before("2025-03-10T06:30Z", "2025-03-10T09:00Z")).toEqual([
      "2025-03-10T04:00:00.000Z",
      "2025-03-10T06:30:00.000Z",
    ]);
  });
});
