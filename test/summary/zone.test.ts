import { describe, expect, it } from "vitest";
import {
  INTERVALS,
  intervalStart,
  formatInZone,
  nextInterval,
  startOfDay,
  zoneOf,
  type Interval,
} from "../../src/summary/zone.ts";
import { HOUR_MS } from "../../src/time.ts";

const iso = (ms: number): string => new Date(ms).toISOString().replace(".000Z", "Z");

/** The starts of consecutive intervals, in the zone's own time. */
function starts(name: string, interval: Exclude<Interval, "none">, from: string, count: number): string[] {
  const of = zoneOf(name)!;
  const found: string[] = [];
  let start = intervalStart(of, interval, Date.parse(from));
  for (let i = 0; i < count; i++) {
    found.push(formatInZone(of, start));
    start = nextInterval(of, interval, start);
  }
  return found;
}

describe("zone", () => {
  it.each(["UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT+12"])("knows %s", (name) => {
    expect(zoneOf(name)?.name).toBe(name);
  });

  it.each(["", "Mars/Olympus", "Europe", "CEST ", "x".repeat(10_000), "Europe/Berlin\0", "../etc/passwd"])(
    "has no %j",
    (name) => {
      expect(zoneOf(name)).toBeNull();
    },
  );

  it.each([
    ["UTC", "2025-07-01T00:00:00Z", 0],
    ["Etc/UTC", "2025-07-01T00:00:00Z", 0],
    ["Europe/Berlin", "2025-03-30T00:59:59.999Z", 60],
    ["Europe/Berlin", "2025-03-30T01:00:00Z", 120],
    ["Asia/Kolkata", "2025-07-01T00:00:00Z", 330],
    ["America/St_Johns", "2025-01-01T00:00:00Z", -210],
    ["Asia/Kathmandu", "2025-01-01T00:00:00Z", 345],
    ["Pacific/Kiritimati", "2025-01-01T00:00:00Z", 840],
    ["Australia/Lord_Howe", "2025-01-01T00:00:00Z", 660],
    ["Australia/Lord_Howe", "2025-07-01T00:00:00Z", 630],
  ])("offsets: %s at %s is %i minutes", (name, at, minutes) => {
    expect(zoneOf(name)!.offsetAt(Date.parse(at))).toBe(minutes * 60_000);
  });
});

describe("startOfDay", () => {
  it.each([
    ["UTC", 2025, 2, 10, "2025-03-10T00:00:00Z"],
    ["Europe/Berlin", 2025, 2, 30, "2025-03-29T23:00:00Z"],
    ["Europe/Berlin", 2025, 2, 31, "2025-03-30T22:00:00Z"],
    ["Europe/Berlin", 2025, 9, 26, "2025-10-25T22:00:00Z"],
    ["Europe/Berlin", 2025, 9, 27, "2025-10-26T23:00:00Z"],
    ["Asia/Kolkata", 2025, 2, 10, "2025-03-09T18:30:00Z"],
    ["America/St_Johns", 2025, 2, 10, "2025-03-10T02:30:00Z"],
    // No midnight: clocks go from 00:00 to 01:00.
    ["America/Sao_Paulo", 2018, 10, 4, "2018-11-04T03:00:00Z"],
    ["Asia/Beirut", 2025, 2, 30, "2025-03-29T22:00:00Z"],
    ["Africa/Cairo", 2025, 3, 25, "2025-04-24T22:00:00Z"],
    // Midnight twice, or 23:00 twice: the first, and the day after all of the one before.
    ["America/Havana", 2025, 10, 2, "2025-11-02T04:00:00Z"],
    ["America/Sao_Paulo", 2018, 1, 18, "2018-02-18T03:00:00Z"],
    ["Asia/Beirut", 2025, 9, 26, "2025-10-25T22:00:00Z"],
    // A day that never was: 2011-12-30 in Samoa.
    ["Pacific/Apia", 2011, 11, 30, "2011-12-30T10:00:00Z"],
    ["Pacific/Apia", 2011, 11, 31, "2011-12-30T10:00:00Z"],
    ["Pacific/Kiritimati", 2025, 0, 1, "2024-12-31T10:00:00Z"],
    ["Etc/GMT+12", 2025, 0, 1, "2025-01-01T12:00:00Z"],
  ])("%s %i-%i-%i", (name, year, month, day, expected) => {
    expect(iso(startOfDay(zoneOf(name)!, year, month, day))).toBe(expected);
  });
});

describe("intervals follow each other", () => {
  it.each([
    ["Europe/Berlin", "2025-03-29T12:00:00Z", ["29T00:00:00+01:00", "30T00:00:00+01:00", "31T00:00:00+02:00"]],
    ["America/Sao_Paulo", "2018-11-03T12:00:00Z", ["03T00:00:00-03:00", "04T01:00:00-02:00", "05T00:00:00-02:00"]],
    ["Asia/Beirut", "2025-03-29T12:00:00Z", ["29T00:00:00+02:00", "30T01:00:00+03:00", "31T00:00:00+03:00"]],
    ["Pacific/Apia", "2011-12-29T12:00:00Z", ["29T00:00:00-10:00", "31T00:00:00+14:00", "01T00:00:00+14:00"]],
    ["Australia/Lord_Howe", "2025-04-05T00:00:00Z", ["05T00:00:00+11:00", "06T00:00:00+11:00", "07T00:00:00+10:30"]],
  ])("days of %s from %s", (name, from, expected) => {
    expect(starts(name, "day", from, 3).map((start) => start.slice(8))).toEqual(expected);
  });

  it("weeks start on Monday, also for a Sunday and over a change of clocks", () => {
    expect(starts("Europe/Berlin", "week", "2025-03-30T21:59:59.999Z", 2)).toEqual([
      "2025-03-24T00:00:00+01:00",
      "2025-03-31T00:00:00+02:00",
    ]);
    expect(starts("UTC", "week", "2024-12-31T00:00:00Z", 2)).toEqual(["2024-12-30T00:00:00Z", "2025-01-06T00:00:00Z"]);
  });

  it("months have their own lengths", () => {
    expect(starts("America/New_York", "month", "2024-01-31T23:00:00Z", 4)).toEqual([
      "2024-01-01T00:00:00-05:00",
      "2024-02-01T00:00:00-05:00",
      "2024-03-01T00:00:00-05:00",
      "2024-04-01T00:00:00-04:00",
    ]);
    expect(starts("UTC", "month", "2024-12-31T00:00:00Z", 2)).toEqual(["2024-12-01T00:00:00Z", "2025-01-01T00:00:00Z"]);
  });

  it.each([
    ["Europe/Berlin", "2025-03-30T00:30:00Z", ["01:00:00+01:00", "03:00:00+02:00", "04:00:00+02:00"]],
    ["Europe/Berlin", "2025-10-26T00:30:00Z", ["02:00:00+02:00", "02:00:00+01:00", "03:00:00+01:00"]],
    ["Asia/Kolkata", "2025-03-10T00:00:00Z", ["05:00:00+05:30", "06:00:00+05:30", "07:00:00+05:30"]],
    // Half an hour back at 02:00: an hour of 60 minutes, then the half hour that comes again.
    ["Australia/Lord_Howe", "2025-04-05T14:10:00Z", ["01:00:00+11:00", "01:30:00+10:30", "02:00:00+10:30"]],
    // Half an hour forward at 02:00: the hour after it starts at 02:30.
    ["Australia/Lord_Howe", "2025-10-04T14:40:00Z", ["01:00:00+10:30", "02:30:00+11:00", "03:00:00+11:00"]],
  ])("hours of %s from %s", (name, from, expected) => {
    expect(starts(name, "hour", from, 3).map((start) => start.slice(11))).toEqual(expected);
  });

  it.each([
    "Europe/Berlin",
    "Australia/Lord_Howe",
    "America/Sao_Paulo",
    "Asia/Beirut",
    "Pacific/Apia",
    "Pacific/Chatham",
    "Asia/Pyongyang",
    "America/Caracas",
  ])("each interval of %s holds exactly the instants up to the next, over 20 years", (name) => {
    const of = zoneOf(name)!;
    for (const interval of INTERVALS) {
      if (interval === "none" || interval === "hour") continue;
      let start = intervalStart(of, interval, Date.UTC(2005, 0, 1));
      while (start < Date.UTC(2025, 0, 1)) {
        const next = nextInterval(of, interval, start);
        expect(next).toBeGreaterThan(start);
        for (const ms of [start, start + HOUR_MS, next - 1]) {
          if (intervalStart(of, interval, ms) !== start)
            throw new Error(`${name} ${interval} ${iso(ms)} ${iso(start)}`);
        }
        start = next;
      }
    }
  });
});

describe("formatInZone", () => {
  it.each([
    ["UTC", "2025-03-10T00:00:00Z", "2025-03-10T00:00:00Z"],
    ["Europe/London", "2025-01-10T00:00:00Z", "2025-01-10T00:00:00Z"],
    ["Europe/London", "2025-07-10T00:00:00Z", "2025-07-10T01:00:00+01:00"],
    ["America/St_Johns", "2025-01-10T03:30:00Z", "2025-01-10T00:00:00-03:30"],
  ])("%s %s", (name, at, expected) => {
    expect(formatInZone(zoneOf(name)!, Date.parse(at))).toBe(expected);
    expect(Date.parse(expected)).toBe(Date.parse(at));
  });
});
