/** Ranges of an address: against the API's own reading of it, and around each change of the clocks. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  instantOfLocal,
  localText,
  momentOf,
  type Preset,
  PRESETS,
  presetSpan,
  rangeOf,
  rangeText,
  utcDays,
  withoutWrong,
  withRange,
  withZone,
} from "../../src/page/range.ts";
import { offsetText, zonesLike } from "../../src/page/zone-names.ts";
import { localDate, offsetAt } from "../../src/page/zone.ts";
import { rangeOf as rangeOfApi } from "../../src/summary/query.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const NOW = Date.parse("2026-11-30T14:05:09Z");
const query = (text: string) => new URLSearchParams(text);
const iso = (ms: number) => new Date(ms).toISOString();
const span = (preset: Preset, zone: string, now = NOW) => {
  const { from, to } = presetSpan(preset, zone, now);
  return [iso(from), iso(to)];
};

describe("the days of a range, as days of UTC", () => {
  const days = (address: string, now: string) => {
    const { from, to } = utcDays(rangeOf(query(address), Date.parse(now), "30d"));
    return [from, to].map((time) => time.replace(/T00:00:00.000Z$/, ""));
  };

  it.each([
    // In Berlin it is 1 December, and in UTC the 30th of November.
    ["range=today&tz=Europe/Berlin", "2026-11-30T23:10:00Z", "2026-12-01", "2026-12-02"],
    ["range=month&tz=Pacific/Kiritimati", "2026-11-30T10:00:00Z", "2026-12-01", "2026-12-02"],
    ["range=last-month&tz=Europe/Berlin", "2026-11-30T23:10:00Z", "2026-11-01", "2026-12-01"],
    // In Los Angeles it is still the 30th, and what began in UTC on the 1st has begun there, too.
    ["range=today&tz=America/Los_Angeles", "2026-12-01T00:10:00Z", "2026-11-30", "2026-12-01T01:00:00.000Z"],
    ["range=last-month&tz=America/Los_Angeles", "2026-12-02T00:10:00Z", "2026-11-01", "2026-12-01"],
    ["from=2026-11-03&to=2026-11-05&tz=America/Los_Angeles", "2026-12-02T00:10:00Z", "2026-11-03", "2026-11-05"],
    ["from=2026-11-03&to=2026-11-05T12:00:00Z&tz=UTC", "2026-12-02T00:10:00Z", "2026-11-03", "2026-11-06"],
  ])("are those of its zone: %s at %s", (address, now, from, to) => {
    expect(days(address, now)).toEqual([from, to]);
  });

  it("are one or more all through a year, in every zone", () => {
    for (const tz of ["Pacific/Kiritimati", "Europe/Berlin", "UTC", "America/Los_Angeles", "Etc/GMT+12"])
      for (let at = NOW; at < NOW + 366 * DAY_MS; at += 17 * HOUR_MS)
        for (const preset of PRESETS) {
          const { from, to } = utcDays(rangeOf(query(`range=${preset}&tz=${tz}`), at, "30d"));
          if (from >= to) expect.unreachable(`${preset} of ${tz} at ${iso(at)}: ${from} to ${to}`);
        }
  });
});

describe("a range that moves on", () => {
  it.each([
    ["today", "2026-11-29T23:00:00.000Z", "2026-11-30T15:00:00.000Z"],
    ["24h", "2026-11-29T15:00:00.000Z", "2026-11-30T15:00:00.000Z"],
    // Today and the six days before it.
    ["7d", "2026-11-23T23:00:00.000Z", "2026-11-30T15:00:00.000Z"],
    ["30d", "2026-10-31T23:00:00.000Z", "2026-11-30T15:00:00.000Z"],
    // 2 September is in summer time, at +02:00.
    ["90d", "2026-09-01T22:00:00.000Z", "2026-11-30T15:00:00.000Z"],
    ["month", "2026-10-31T23:00:00.000Z", "2026-11-30T15:00:00.000Z"],
    // October has 31 days and one hour in Berlin.
    ["last-month", "2026-09-30T22:00:00.000Z", "2026-10-31T23:00:00.000Z"],
  ] as const)("is %s of the zone", (preset, from, to) => {
    expect(span(preset, "Europe/Berlin")).toEqual([from, to]);
  });

  it("is another one at another time, from the same address", () => {
    const at = (now: number) => rangeOf(query("range=7d&tz=UTC"), now, "30d");
    expect(at(NOW)).toMatchObject({ from: Date.parse("2026-11-24"), preset: "7d", zone: "UTC", wrong: null });
    expect(at(NOW + DAY_MS).from).toBe(Date.parse("2026-11-25"));
  });

  it("is the same question all through an hour", () => {
    const hour = Math.floor(NOW / HOUR_MS) * HOUR_MS;
    const at = (ms: number) => rangeOf(query("range=24h&tz=UTC"), ms, "30d");
    expect(at(hour)).toEqual(at(hour + HOUR_MS - 1));
    expect(at(hour + HOUR_MS).to).toBe(at(hour).to + HOUR_MS);
  });

  it("goes over the end of a year", () => {
    expect(span("last-month", "UTC", Date.parse("2027-01-05T00:00:00Z"))).toEqual([
      "2026-12-01T00:00:00.000Z",
      "2027-01-01T00:00:00.000Z",
    ]);
  });
});

/** The instants at which clocks change in two years. */
function changesOf(zone: string): number[] {
  const changes = [];
  for (let ms = Date.UTC(2026, 0, 1); ms < Date.UTC(2028, 0, 1); ms += HOUR_MS / 2)
    if (offsetAt(zone, ms) !== offsetAt(zone, ms - 1)) changes.push(ms);
  return changes;
}

describe.each(["Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe"])("in %s", (zone) => {
  const changes = changesOf(zone);
  /** Minutes within two days of a change of the clocks, or of a day without one. */
  const minutes = fc
    .tuple(fc.constantFrom(...changes, Date.UTC(2026, 5, 1)), fc.integer({ min: -2 * 1_440, max: 2 * 1_440 }))
    .map(([change, offset]) => change + offset * 60_000);
  const dayNumber = (ms: number) => Date.UTC(...localDate(zone, ms)) / DAY_MS;

  it("has the changes that are looked at", () => {
    expect(changes).toHaveLength(zone === "Asia/Kathmandu" ? 0 : 4);
  });

  it("begins days at their first instant", () => {
    fc.assert(
      fc.property(minutes, fc.constantFrom(["today", 1], ["7d", 7], ["30d", 30], ["90d", 90]), (now, asked) => {
        const [preset, days] = asked as [Preset, number];
        const { from, to } = presetSpan(preset, zone, now);
        expect(dayNumber(from)).toBe(dayNumber(now) - days + 1);
        expect(dayNumber(from - 1)).toBe(dayNumber(from) - 1);
        expect(from).toBeLessThanOrEqual(now);
        expect(to).toBeGreaterThan(now);
        expect(to - now).toBeLessThanOrEqual(HOUR_MS);
      }),
    );
  });

  it("begins and ends months at their first instants", () => {
    fc.assert(
      fc.property(minutes, (now) => {
        const [before, current] = [presetSpan("last-month", zone, now), presetSpan("month", zone, now)];
        expect(before.to).toBe(current.from);
        for (const { from } of [before, current]) {
          expect(localDate(zone, from)[2]).toBe(1);
          expect(localDate(zone, from - 1)[2]).toBeGreaterThan(27);
        }
      }),
    );
  });

  it("reads a local time as the first instant that shows it", () => {
    fc.assert(
      fc.property(minutes, (ms) => {
        const text = localText(ms, zone);
        const read = instantOfLocal(text, zone)!;
        expect(localText(read, zone)).toBe(text);
        expect(read).toBeLessThanOrEqual(ms);
        for (let earlier = read - 2 * HOUR_MS; earlier < read; earlier += HOUR_MS / 2)
          expect(localText(earlier, zone)).not.toBe(text);
      }),
    );
  });

  it("keeps own dates to the millisecond in an address, and agrees with the API", () => {
    fc.assert(
      fc.property(minutes, fc.integer({ min: 1, max: 90 * DAY_MS }), (from, length) => {
        const address = withRange(query("range=7d&model=x&cursor=y"), { from, to: from + length, zone });
        expect(rangeOf(address, NOW, "30d")).toEqual({ from, to: from + length, zone, preset: null, wrong: null });
        expect([...address.keys()]).toEqual(["model", "from", "to", "tz"]);
        const api = rangeOfApi({ from: address.get("from")!, to: address.get("to")!, tz: zone }, NOW);
        expect([api.fromMs, api.toMs]).toEqual([from, from + length]);
      }),
    );
  });

  it("reads a day as the API does", () => {
    fc.assert(
      fc.property(minutes, (ms) => {
        const day = localText(ms, zone).slice(0, 10);
        expect(momentOf(day, zone)).toBe(rangeOfApi({ from: day, to: "2030-01-01", tz: zone }, NOW).fromMs);
      }),
    );
  });
});

it("reads a time that clocks skip as one after the gap", () => {
  // Berlin goes from 02:00 to 03:00 on 28 March 2027.
  expect(iso(instantOfLocal("2027-03-28T02:30", "Europe/Berlin")!)).toBe("2027-03-28T01:30:00.000Z");
  // Lord Howe goes from 02:00 to 02:30 on 4 October 2026.
  expect(localText(instantOfLocal("2026-10-04T02:10", "Australia/Lord_Howe")!, "Australia/Lord_Howe")).toBe(
    "2026-10-04T02:40",
  );
});

describe("an address that is wrong", () => {
  it.each([
    ["range=2y", "There is no range “2y”. Last 30 days is shown instead."],
    ["from=yesterday", "The start of the range, “yesterday”, is not a date. Last 30 days is shown instead."],
    ["from=2026-02-30", "The start of the range, “2026-02-30”, is not a date. Last 30 days is shown instead."],
    ["to=1999-12-31", "The end of the range, “1999-12-31”, is not a date. Last 30 days is shown instead."],
    ["from=2026-11-02&to=2026-11-01", "The range ends before it begins. Last 30 days is shown instead."],
    ["from=2026-11-02&to=2026-11-02", "The range ends before it begins. Last 30 days is shown instead."],
    ["from=2026-11-02T10:00&to=", "The end of the range, “”, is not a date. Last 30 days is shown instead."],
  ])("is told: %s", (text, sentence) => {
    const range = rangeOf(query(`${text}&tz=UTC`), NOW, "30d");
    expect(range).toMatchObject({ ...presetSpan("30d", "UTC", NOW), wrong: sentence });
    const rest = withoutWrong(query(`${text}&tz=UTC&model=x`), NOW);
    expect(rest.toString()).toBe("tz=UTC&model=x");
    expect(rangeOf(rest, NOW, "30d").wrong).toBeNull();
  });

  it("is told for its zone, while its range still holds", () => {
    const range = rangeOf(query("range=today&tz=Mars/Olympus"), NOW, "30d");
    expect(range.preset).toBe("today");
    expect(range.wrong).toMatch(/^There is no time zone “Mars\/Olympus”\. Days begin as in \S+ instead\.$/);
    expect(withoutWrong(query("range=today&tz=Mars/Olympus"), NOW).toString()).toBe("range=today");
  });

  it("never breaks the view, whatever it says", () => {
    const texts = fc.oneof(fc.string(), fc.constantFrom("2026-13-01", "0", "9".repeat(15), "2026-01-01T25:00Z"));
    fc.assert(
      fc.property(texts, texts, texts, (from, to, tz) => {
        const range = rangeOf(new URLSearchParams({ from, to, tz }), NOW, "7d");
        expect(range.from).toBeLessThan(range.to);
        if (range.wrong !== null) return;
        // What is right here is right for the API, and means the same.
        const api = rangeOfApi({ from, to, tz }, NOW);
        expect([api.fromMs, api.toMs]).toEqual([range.from, range.to]);
      }),
    );
  });
});

it("knows all presets by their names in an address", () => {
  for (const preset of PRESETS) expect(rangeOf(query(`range=${preset}`), NOW, "30d").preset).toBe(preset);
});

it("leaves out what it belongs to when the range or the zone changes", () => {
  expect(withRange(query("from=1&to=2&tz=UTC&cursor=x&model=a"), { preset: "7d" }).toString()).toBe(
    "tz=UTC&model=a&range=7d",
  );
  const own = rangeOf(query("from=2026-11-01&to=2026-11-02&tz=Asia/Kathmandu"), NOW, "30d");
  // The same instants, in whatever zone they are shown.
  expect(withZone(query("from=2026-11-01&to=2026-11-02&tz=Asia/Kathmandu"), own, "UTC").toString()).toBe(
    new URLSearchParams({ from: "2026-10-31T18:15:00.000Z", to: "2026-11-01T18:15:00.000Z", tz: "UTC" }).toString(),
  );
  expect(withZone(query("range=7d&tz=UTC"), rangeOf(query("range=7d"), NOW, "30d"), null).toString()).toBe("range=7d");
});

it("is told in as few words as it takes", () => {
  const text = (address: string) => rangeText(rangeOf(query(`${address}&tz=Europe/Berlin`), NOW, "30d"));
  expect(text("range=7d")).toBe("since 2026-11-24");
  expect(text("range=24h")).toBe("since 2026-11-29 16:00");
  expect(text("range=last-month")).toBe("2026-10-01 to 2026-10-31");
  expect(text("from=2026-11-03&to=2026-11-04")).toBe("2026-11-03");
  expect(text("from=2026-11-03&to=2026-11-04T10:00:00%2B01:00")).toBe("2026-11-03 00:00 to 2026-11-04 10:00");
});

describe("zones by what is typed", () => {
  it("are found by their city first", () => {
    expect(zonesLike("new york")).toEqual(["America/New_York"]);
    expect(zonesLike("ber", ["Africa/Berlin_Not", "America/Cumberland", "Europe/Berlin"])).toEqual([
      "Africa/Berlin_Not",
      "Europe/Berlin",
      "America/Cumberland",
    ]);
  });

  it("are also those that the list has under another name", () => {
    expect(zonesLike("Asia/Kathmandu", ["Asia/Katmandu"])[0]).toBe("Asia/Kathmandu");
    expect(zonesLike("Mars/Olympus")).toEqual([]);
  });

  it("say how far they are from UTC", () => {
    expect(offsetText("Asia/Kathmandu", NOW)).toBe("UTC+05:45");
    expect(offsetText("America/New_York", NOW)).toBe("UTC\u221205:00");
    expect(offsetText("UTC", NOW)).toBe("UTC+00:00");
  });
});
