import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { countOf, endOf, fitting, startAt, startsOf, zoomed } from "../../src/page/explore/intervals.ts";
import { callsAt, filteredBy } from "../../src/page/explore/links.ts";
import { compare, difference, METRICS, metricNamed, plus } from "../../src/page/explore/metrics.ts";
import { chartQuestion, tableQuestion } from "../../src/page/explore/question.ts";
import { keyName, rowKey, sorted, type SummaryRow, valuesOf } from "../../src/page/explore/rows.ts";
import { drawnOf } from "../../src/page/explore/series.ts";
import {
  DEFAULTS,
  DRAWINGS,
  type ExploreState,
  INTERVALS,
  sortableColumns,
  stateOf,
  textOf,
  withoutWrong,
  withState,
} from "../../src/page/explore/state.ts";
import type { Range } from "../../src/page/range.ts";
import { INCLUDES, ORDERS, parseSummaryQuery } from "../../src/summary/query.ts";
import { queryString } from "../../src/page/query-string.ts";

const query = (text: string) => new URLSearchParams(text);
const NOVEMBER: Range = {
  from: Date.parse("2026-11-01T00:00:00Z"),
  to: Date.parse("2026-12-01T00:00:00Z"),
  zone: "UTC",
  preset: null,
  wrong: null,
};

const dimension = fc.constantFrom("application", "environment", "provider", "model", "operation");
const label = fc.oneof(
  fc.constant("user"),
  fc
    .string({ minLength: 1, maxLength: 20 })
    .filter((name) => !/[,\0]/.test(name))
    .map((name) => `tag.${name}`),
);
const groups = fc.oneof(
  fc.constant([]),
  fc.oneof(dimension, label).map((key) => [key]),
  fc.uniqueArray(dimension, { minLength: 2, maxLength: 2 }),
  fc.tuple(dimension, label),
  fc.tuple(label, dimension),
);
const states: fc.Arbitrary<ExploreState> = fc
  .record({
    metric: fc.constantFrom(...METRICS),
    groupBy: groups as fc.Arbitrary<string[]>,
    interval: fc.constantFrom(...INTERVALS),
    comparison: fc.constantFrom("", "previous", "own"),
    limit: fc.option(fc.integer({ min: 1, max: 10_000 })),
    isCumulative: fc.boolean(),
    drawing: fc.constantFrom(...DRAWINGS),
  })
  .map(({ comparison, ...state }) => ({
    ...state,
    compares: comparison !== "",
    compareWith: comparison === "own" ? { from: "2026-01-01", to: "2026-01-02T00:00:00Z" } : null,
  }))
  .chain((state) =>
    fc
      .option(
        fc.record({
          column: fc.constantFrom(...sortableColumns({ ...state, sort: null })),
          descending: fc.boolean(),
        }),
      )
      .map((sort) => ({ ...state, sort })),
  );

describe("the state in an address", () => {
  it("is read again as it was written, whatever it is", () => {
    fc.assert(
      fc.property(states, (state) => {
        const written = withState(query("tz=UTC&range=7d&model=a&model=b"), state);
        const read = stateOf(query(written.toString()));
        expect(read).toEqual({ state, wrong: [] });
        expect(written.getAll("model")).toEqual(["a", "b"]);
      }),
    );
  });

  it("leaves defaults out", () => {
    expect(withState(query("from=2026-11-01&cursor=x"), DEFAULTS).toString()).toBe("from=2026-11-01");
    expect(stateOf(query("")).state).toEqual(DEFAULTS);
  });

  it("does not group by model where one model is chosen", () => {
    expect(stateOf(query("model=a")).state.groupBy).toEqual(["application"]);
    expect(stateOf(query("model=a&model=b")).state.groupBy).toEqual(["model"]);
  });

  it.each([
    ["metric=joy", "There is no metric “joy”."],
    ["group_by=colour", "Calls cannot be grouped by “colour”."],
    ["group_by=", "Calls cannot be grouped by “”."],
    ["group_by=model,model", "Calls cannot be grouped by “model” twice."],
    ["group_by=model,user,provider", "two keys at most"],
    ["group_by=user,tag.team", "one of user and tag.team"],
    ["group_by=user&tag.team=a", "While calls are filtered by tag.team, they cannot be grouped by user."],
    ["interval=fortnight", "There is no interval “fortnight”. There is auto, none"],
    ["limit=0", "“0”"],
    ["limit=10001", "“10001”"],
    ["limit=1e3", "“1e3”"],
    ["compare_from=2026-11-01", "“compare_from” and “compare_to” go together."],
    ["compare=never", "There is no comparison “never”."],
    ["cumulative=1", "can only be true"],
    ["chart=pie", "There is no chart “pie”."],
    ["sort=-before", "Rows cannot be sorted by “before”."],
    ["colour=red", "There is no parameter “colour”; it is ignored."],
  ])("tells what is wrong with %s, and goes on by the default", (text, sentence) => {
    const { state, wrong } = stateOf(query(text));
    expect(wrong.map(({ sentence }) => sentence).join(" ")).toContain(sentence);
    expect({ ...state, groupBy: DEFAULTS.groupBy }).toEqual(DEFAULTS);
    expect(stateOf(withoutWrong(query(text), wrong)).wrong).toEqual([]);
  });

  it("never fails, whatever an address says", () => {
    const names = fc.constantFrom(
      "metric",
      "group_by",
      "interval",
      "limit",
      "compare",
      "chart",
      "sort",
      "tag.x",
      "user",
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.oneof(names, fc.string()), fc.string())), (members) => {
        const asked = new URLSearchParams(members);
        const { state, wrong } = stateOf(asked);
        expect(stateOf(withState(withoutWrong(asked, wrong), {})).state.metric).toBe(state.metric);
      }),
    );
  });

  it("takes the period that an address compares with, until nothing is compared", () => {
    const own = query("compare_from=2026-10-01&compare_to=2026-10-08&sort=difference");
    const { state } = stateOf(own);
    expect(tableQuestion(state, own, NOVEMBER)).toMatchObject({ compare_from: "2026-10-01", compare_to: "2026-10-08" });
    expect(withState(own, { limit: 5 }).get("compare_to")).toBe("2026-10-08");
    expect(withState(own, { compares: false }).toString()).toBe("");
  });

  it("drops a sort by a column that is gone", () => {
    expect(textOf({ column: "now", descending: true })).toBe("-now");
    expect(withState(query("compare=previous&sort=difference"), { compares: false }).toString()).toBe("");
  });
});

describe("the questions", () => {
  it("are such that the API takes, for every state", () => {
    fc.assert(
      fc.property(states, (state) => {
        for (const asked of [tableQuestion(state, query(""), NOVEMBER), chartQuestion(state, query(""), NOVEMBER)]) {
          if (asked === null) continue;
          const parsed = parseSummaryQuery(query(queryString({ ...asked })), NOVEMBER.to);
          expect(parsed.groupBy).toEqual(state.groupBy);
        }
      }),
    );
  });

  it("order by sums that the API has, with parts that it has", () => {
    for (const { order, include } of METRICS) {
      expect(ORDERS).toContain(order);
      if (include !== null) expect(INCLUDES).toContain(include);
    }
  });

  it("ask for a chart of at most 10,000 rows", () => {
    // 30 days have up to 721 hours: 10,000 / 721 = 13.8, and one group is (other).
    const state: ExploreState = { ...DEFAULTS, interval: "hour", limit: 200 };
    expect(chartQuestion(state, query(""), NOVEMBER)).toMatchObject({ interval: "hour", limit: 12 });
    expect(tableQuestion(state, query(""), NOVEMBER)).toMatchObject({ limit: 200, order: "-cost_usd" });
  });

  it("ask for no chart of one interval, and for intervals in the table alone only if they are chosen", () => {
    expect(chartQuestion({ ...DEFAULTS, interval: "none" }, query(""), NOVEMBER)).toBeNull();
    expect(tableQuestion({ ...DEFAULTS, interval: "day" }, query(""), NOVEMBER).interval).toBeUndefined();
    expect(tableQuestion({ ...DEFAULTS, interval: "day", drawing: "table" }, query(""), NOVEMBER).interval).toBe("day");
  });
});

describe("intervals", () => {
  it("have no gaps, also where clocks change", () => {
    const starts = startsOf(
      "day",
      { from: Date.parse("2026-10-23T22:00:00Z"), to: Date.parse("2026-10-27T23:00:00Z") },
      "Europe/Berlin",
    );
    expect(starts.map((ms) => new Date(ms).toISOString().slice(0, 13))).toEqual([
      "2026-10-23T22",
      "2026-10-24T22",
      "2026-10-25T23",
      "2026-10-26T23",
    ]);
  });

  it("begin on Monday, on the first, and at full local hours", () => {
    const at = Date.parse("2026-11-12T10:20:00Z");
    expect(new Date(startAt("week", at, "UTC")).toISOString()).toBe("2026-11-09T00:00:00.000Z");
    expect(new Date(endOf("month", startAt("month", at, "UTC"), "UTC")).toISOString()).toBe("2026-12-01T00:00:00.000Z");
    // Kathmandu is at +05:45, so its hours begin at a quarter past those of UTC.
    expect(new Date(startAt("hour", at, "Asia/Kathmandu")).toISOString()).toBe("2026-11-12T10:15:00.000Z");
  });

  it("fit the range", () => {
    const of = (days: number) => fitting({ from: 0, to: days * 86_400_000 });
    expect([1, 3, 30, 100, 365, 1_000].map(of)).toEqual(["hour", "hour", "day", "day", "week", "month"]);
    for (const interval of ["hour", "day", "week", "month"] as const) {
      expect(countOf(interval, NOVEMBER)).toBeGreaterThanOrEqual(startsOf(interval, NOVEMBER, "UTC").length);
    }
  });

  it("zoom into whole intervals, and not out of the range", () => {
    const day = (of: number) => Date.parse(`2026-11-0${of}T00:00:00Z`);
    expect(zoomed("day", NOVEMBER, day(3), day(5))).toEqual({ from: day(3), to: day(6) });
    expect(zoomed("week", NOVEMBER, day(1), day(1)).from).toBe(NOVEMBER.from);
  });
});

const row = (keys: object, cost: string | null, more: object = {}): SummaryRow =>
  ({ ...keys, cost_usd: cost, requests: 1, ...more }) as unknown as SummaryRow;

describe("rows", () => {
  it("have one key for each group", () => {
    const keys = ["user", "model"];
    expect(rowKey({ model: "m" }, ["model"])).toBe("m");
    expect(rowKey({ user: null }, ["user"])).toBe("");
    const key = rowKey({ user: null, model: '["a","b"]' }, keys);
    expect(valuesOf(key, keys)).toEqual([null, '["a","b"]']);
    expect(keyName(key, keys)).toBe('(none) · ["a","b"]');
    expect(rowKey({ user: "(other)", model: "(other)" }, keys)).toBe("(other)");
  });

  it("are sorted exactly; what is unknown, and (other), stays last", () => {
    const rows = [
      row({ model: "a" }, "1.000000000001"),
      row({ model: "b" }, null),
      row({ model: "c" }, "1.000000000002"),
      row({ model: "(other)" }, "9"),
    ];
    const order = (column: string, descending: boolean) =>
      sorted(rows, { column, descending }, DEFAULTS).map((row) => row.model);
    expect(order("now", true)).toEqual(["c", "a", "b", "(other)"]);
    expect(order("now", false)).toEqual(["a", "c", "b", "(other)"]);
    expect(order("share", false)).toEqual(["a", "c", "b", "(other)"]);
    expect(order("model", true)).toEqual(["c", "b", "a", "(other)"]);
    const times = ["a", "b", "c", "(other)"].map((model, place) =>
      row({ model, bucket: `2026-11-0${4 - place}T00:00:00Z` }, "1"),
    );
    const byTime = sorted(times, { column: "bucket", descending: false }, DEFAULTS);
    expect(byTime.map((row) => row.model)).toEqual(["(other)", "c", "b", "a"]);
  });
});

describe("figures", () => {
  it("add up and differ exactly", () => {
    expect(plus("90071992547409.91", "0.000000000001")).toBe("90071992547409.910000000001");
    expect([plus(null, "1"), plus(1, 2), plus(null, null)]).toEqual(["1", 3, null]);
    expect(difference("0.1", "0.3")).toBe("-0.2");
    // In floats, 0.3 - 0.1 is 0.19999999999999998.
    expect([difference(0.3, 0.1), difference(1, null)]).toEqual([0.2, null]);
    expect(compare("0.2", "0.1", 1)).toBeGreaterThan(0);
  });
});

describe("what is drawn", () => {
  const starts = [1, 2, 3].map((day) => Date.parse(`2026-11-0${day}T00:00:00Z`));
  const at = (day: number, model: string, cost: string) => row({ model, bucket: `2026-11-0${day}T00:00:00Z` }, cost);
  const rows = [at(1, "a", "1"), at(1, "(other)", "5"), at(3, "a", "0.000000000001"), at(3, "b", "2")];

  it("has 0 where there were no calls, exact figures, and (other) last", () => {
    const drawn = drawnOf(rows, starts, DEFAULTS);
    expect(drawn.series.map(({ key }) => key)).toEqual(["b", "a", "(other)"]);
    expect(drawn.figures.get("a")).toEqual(["1", "0", "0.000000000001"]);
    expect(drawn.totals).toEqual(["6", "0", "2.000000000001"]);
    expect(drawn.wholes?.get("a")).toBe("1.000000000001");
  });

  it("is unknown where calls have no price, and never 0", () => {
    const unpriced = [row({ model: "u", bucket: "2026-11-02T00:00:00Z" }, null)];
    for (const isCumulative of [false, true]) {
      const drawn = drawnOf(unpriced, starts, { ...DEFAULTS, isCumulative });
      expect(drawn.figures.get("u")).toEqual(["0", null, isCumulative ? null : "0"]);
      expect([drawn.wholes?.get("u"), drawn.totals?.[1]]).toEqual([null, null]);
    }
  });

  it("runs on if it is cumulative", () => {
    const drawn = drawnOf(rows, starts, { ...DEFAULTS, isCumulative: true });
    expect(drawn.figures.get("a")).toEqual(["1", "1", "1.000000000001"]);
    expect(drawn.totals).toEqual(["6", "6", "8.000000000001"]);
    expect(drawn.wholes?.get("a")).toBe("1.000000000001");
  });

  it("has gaps where a rate is not known, and adds no rates up", () => {
    const rates = [row({ model: "a", bucket: "2026-11-02T00:00:00Z" }, "1", { error_rate: 0.5 })];
    const drawn = drawnOf(rows.slice(0, 0).concat(rates), starts, { ...DEFAULTS, metric: metricNamed("error_rate")! });
    expect(drawn.series[0]!.values).toEqual([null, 0.5, null]);
    expect([drawn.totals, drawn.wholes]).toEqual([null, null]);
  });
});

describe("links", () => {
  it("filter by a group, and leave the rest of the address", () => {
    const filtered = filteredBy(query("range=7d&model=x&model=y&cursor=c"), ["model"], ["a&b"]);
    expect(filtered?.toString()).toBe("range=7d&model=a%26b");
    expect(filteredBy(query(""), ["user"], [null])).toBeNull();
    expect(filteredBy(query(""), ["user"], ["(other)"])).toBeNull();
  });

  it("lead to the calls of an interval, within the range", () => {
    const range = { ...NOVEMBER, from: NOVEMBER.from + 3_600_000 };
    const address = callsAt(query("model=a&tag.team=b&limit=5"), range, { start: NOVEMBER.from, interval: "day" });
    expect([...new URL(address, "http://ledger").searchParams]).toEqual([
      ["from", "2026-11-01T01:00:00.000Z"],
      ["to", "2026-11-02T00:00:00.000Z"],
      ["tz", "UTC"],
      ["model", "a"],
      ["tag.team", "b"],
    ]);
  });
});
