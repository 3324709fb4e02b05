import { describe, expect, it } from "vitest";
import { formatBriefCount, formatDay, formatDuration, formatShare, formatTime } from "../../src/page/figures.ts";
import { groupName, rowValue } from "../../src/page/groups.ts";
import { isPassing, OFFLINE, problemOf } from "../../src/page/problem.ts";

describe("figures", () => {
  it("shows shares, and never some as none or as all", () => {
    expect([0, 0.0004, 0.1234, 0.9999, 1, null].map(formatShare)).toEqual([
      "0%",
      "<0.1%",
      "12.3%",
      ">99.9%",
      "100%",
      "\u2013",
    ]);
  });

  it("shows durations in the unit that fits", () => {
    expect([0.5, 812, 1_812, 125_000, null].map(formatDuration)).toEqual([
      "0.5 ms",
      "812 ms",
      "1.81 s",
      "2 min 5 s",
      "\u2013",
    ]);
  });

  it("shows counts and times", () => {
    expect([9_999, 1_234_567].map(formatBriefCount)).toEqual(["9,999", "1.23M"]);
    expect(formatTime(Date.parse("2026-11-30T23:05:09Z"), "Europe/Berlin")).toBe("2026-12-01 00:05:09");
    expect(formatDay("2026-11-30T00:00:00+01:00")).toBe("30 Nov");
  });

  it("names groups of calls without a value", () => {
    expect([null, " ", "\u202ea"].map(groupName)).toEqual(["(none)", "(empty)", "\u202ea"]);
    expect(rowValue({ user: null, model: "m" }, "user")).toBeNull();
  });
});

describe("problems", () => {
  it.each([
    [401, {}, /Sign in again/],
    [403, { detail: "the API key lacks the scope read" }, /lacks the scope read/],
    [400, { code: "invalid_parameter", parameter: "tz", detail: "is no zone" }, /wrong tz \(is no zone\)/],
    [400, { code: "too_many_rows", parameter: "group_by" }, /fewer groups/],
    [422, { code: "hours_expired", since: "2026-01-01T00:00:00Z" }, /from 2026-01-01T00:00:00Z on/],
    [503, { code: "database_unavailable" }, /asked again by itself/],
    [500, null, /Try again/],
    [418, "a teapot", /refused/],
  ])("says what %s means, and what to do", (status, body, sentence) => {
    expect(problemOf(status, body).sentence).toMatch(sentence);
  });

  it("asks again where that may help", () => {
    const passing = [OFFLINE, problemOf(503, {}), problemOf(429, {}), problemOf(400, {}), problemOf(401, {})];
    expect(passing.map(isPassing)).toEqual([true, true, true, false, false]);
  });
});
