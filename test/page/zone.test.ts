import { describe, expect, it } from "vitest";
import { isZone, startOfDay, thisMonth, today } from "../../src/page/zone.ts";

const iso = (periods: object) =>
  Object.fromEntries(Object.entries(periods).map(([name, ms]) => [name, new Date(ms as number).toISOString()]));

describe("the periods of the overview", () => {
  it("are this month to the end of the hour, and the same time of last month", () => {
    // Berlin is at +02:00 until 25 October 2026 and at +01:00 after it: 1 November there begins at 23:00Z.
    const now = Date.parse("2026-11-10T12:34:56Z");
    expect(iso(thisMonth("Europe/Berlin", now))).toEqual({
      from: "2026-10-31T23:00:00.000Z",
      to: "2026-11-10T13:00:00.000Z",
      compareFrom: "2026-09-30T22:00:00.000Z",
      compareTo: "2026-10-10T12:00:00.000Z",
    });
  });

  it("do not reach into this month if the last one was shorter", () => {
    expect(iso(thisMonth("UTC", Date.parse("2026-03-31T20:00:00Z")))).toMatchObject({
      compareFrom: "2026-02-01T00:00:00.000Z",
      compareTo: "2026-03-01T00:00:00.000Z",
    });
  });

  it("are today and yesterday, in January as well", () => {
    expect(iso(today("America/New_York", Date.parse("2027-01-01T03:10:00Z")))).toEqual({
      from: "2026-12-31T05:00:00.000Z",
      to: "2027-01-01T04:00:00.000Z",
      compareFrom: "2026-12-30T05:00:00.000Z",
      compareTo: "2026-12-31T04:00:00.000Z",
    });
    expect(iso(thisMonth("UTC", Date.parse("2027-01-01T03:10:00Z")))).toMatchObject({
      compareFrom: "2026-12-01T00:00:00.000Z",
    });
  });
});

it("begins a day after the gap where clocks skip midnight", () => {
  // Beirut went from 00:00 to 01:00 on 29 March 2026.
  expect(new Date(startOfDay("Asia/Beirut", 2026, 2, 29)).toISOString()).toBe("2026-03-28T22:00:00.000Z");
});

it("knows which zones there are", () => {
  expect([isZone("Asia/Kathmandu"), isZone("Mars/Olympus")]).toEqual([true, false]);
});
