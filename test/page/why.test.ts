import { describe, expect, it } from "vitest";
import { CAUSES, type Cause, stepsThrough, sumOf } from "../../src/page/causes.ts";
import { rangeOf } from "../../src/page/range.ts";
import { barOf, barsBy, behind, OTHERS, type Row, withBar } from "../../src/page/why/behind.ts";
import { comparedOf, withCompared } from "../../src/page/why/compared.ts";
import { monthBefore } from "../../src/page/zone.ts";

const NOW = Date.parse("2026-11-30T14:20:00Z");
const compared = (text: string) => {
  const query = new URLSearchParams(text);
  return comparedOf(query, rangeOf(query, NOW, "month"));
};
const iso = (span: { from: number; to: number } | null) =>
  span && [new Date(span.from).toISOString(), new Date(span.to).toISOString()];

describe("the period to compare with", () => {
  it("is the same days of last month for this month, and otherwise the one before", () => {
    const month = compared("tz=UTC");
    expect([month.way, iso(month.span)]).toEqual([
      "last-month",
      ["2026-10-01T00:00:00.000Z", "2026-10-30T15:00:00.000Z"],
    ]);
    expect(compared("tz=UTC&range=7d")).toEqual({ way: "previous", span: null, wrong: null });
    expect(compared("tz=UTC&compare=previous")).toEqual({ way: "previous", span: null, wrong: null });
  });

  it("is what the address says", () => {
    const own = compared("tz=UTC&compare_from=2026-01-01&compare_to=2026-02-01");
    expect([own.way, iso(own.span), own.wrong]).toEqual([
      "dates",
      ["2026-01-01T00:00:00.000Z", "2026-02-01T00:00:00.000Z"],
      null,
    ]);
  });

  it.each([
    ["compare=never", "There is no period “never” to compare with."],
    ["compare_from=soon&compare_to=2026-02-01", "The start of the period to compare with, “soon”, is not a date."],
    ["compare_from=2026-02-01", "The end of the period to compare with, “”, is not a date."],
    ["compare_from=2026-02-02&compare_to=2026-02-01", "The period to compare with ends before it begins."],
  ])("is told where it is wrong: %s", (text, sentence) => {
    expect(compared(`tz=UTC&${text}`).wrong).toBe(sentence);
  });

  it("keeps the time of day where clocks change, and does not reach past a shorter month", () => {
    // Berlin left summer time on 25 October 2026: 05:00 was 03:00Z before, and is 04:00Z now.
    const berlin = {
      from: Date.parse("2026-10-31T23:00Z"),
      to: Date.parse("2026-11-20T04:00Z"),
      zone: "Europe/Berlin",
    };
    expect(iso(monthBefore(berlin))).toEqual(["2026-09-30T22:00:00.000Z", "2026-10-20T03:00:00.000Z"]);
    const march = { from: Date.parse("2026-03-29T00:00Z"), to: Date.parse("2026-03-31T00:00Z"), zone: "UTC" };
    expect(iso(monthBefore(march))).toEqual(["2026-02-28T00:00:00.000Z", "2026-03-01T00:00:00.000Z"]);
  });

  it("replaces the last one in the address", () => {
    const query = new URLSearchParams("model=a&compare=previous&compare_from=1&compare_to=2");
    expect(withCompared(query, "last-month", { from: 0, to: 1 }).toString()).toBe("model=a&compare=last-month");
  });
});

describe("the rows behind a bar", () => {
  const none = Object.fromEntries(Object.keys(CAUSES).map((cause) => [cause, "0"])) as Record<Cause, string>;
  const row = (application: string, model: string, volume: string, price: string): Row => ({
    application,
    provider: "openai",
    model,
    before_requests: 1,
    after_requests: 1,
    before_unpriced_requests: 0,
    after_unpriced_requests: 0,
    before_usd: "10",
    after_usd: "10",
    difference_usd: sumOf([{ usd: volume }, { usd: price }]),
    parts: { ...none, volume_usd: volume, price_usd: price },
  });
  // By cause 5 - 1 = 4 and 0.5 + 2 = 2.5; by application 5.5 and 1; together 6.5.
  const rows = [row("a", "x", "5", "0.5"), row("b", "x", "-1", "2"), row("b", "y", "0", "0")];

  it("add up to it", () => {
    expect(sumOf(behind(rows, { kind: "cause", cause: "volume_usd" }))).toBe("4");
    expect(sumOf(behind(rows, { kind: "cause", cause: "price_usd" }))).toBe("2.5");
    expect(barsBy(rows, "application").map(({ key, usd }) => [key, usd])).toEqual([
      ["a", "5.5"],
      ["b", "1"],
    ]);
    expect(sumOf(behind(rows, { kind: "application", value: "b" }))).toBe("1");
    expect(sumOf(behind(rows, null))).toBe("6.5");
  });

  it("are those of the cause alone, the largest first", () => {
    const found = behind(rows, { kind: "cause", cause: "price_usd" });
    expect(found.map(({ row: { application }, usd }) => [application, usd])).toEqual([
      ["b", "2"],
      ["a", "0.5"],
    ]);
  });

  it("become one bar beyond the largest, without a gap in the waterfall", () => {
    const many = Array.from({ length: 20 }, (_, i) => row(`app-${i}`, "x", String(i + 1), "0"));
    const bars = barsBy(many, "application", 3);
    // 20 + 19 + 18, and 1 + … + 17 = 153.
    expect(bars.map(({ key, usd }) => [key, usd])).toEqual([
      ["app-19", "20"],
      ["app-18", "19"],
      ["app-17", "18"],
      [OTHERS, "153"],
    ]);
    const steps = stepsThrough("0", "210", bars);
    expect(steps.at(-2)!.to).toBe(steps.at(-1)!.to);
  });

  it("are named by the address, and an unknown cause names all", () => {
    expect(barOf(new URLSearchParams("cause=toString"))).toBeNull();
    const query = withBar(new URLSearchParams("cause=price_usd&model=x"), { kind: "application", value: "(other)" });
    expect(query.toString()).toBe("model=x&in_application=%28other%29");
    expect(barOf(query)).toEqual({ kind: "application", value: "(other)" });
  });
});
