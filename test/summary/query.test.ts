import { describe, expect, it } from "vitest";
import { ApiError } from "../../src/errors.ts";
import { parseRange, parseSummaryQuery } from "../../src/summary/query.ts";
import { INTERVALS } from "../../src/summary/zone.ts";

const NOW = Date.UTC(2026, 2, 31, 12, 34, 56, 789);
const parse = (query: string, nowMs = NOW) => parseSummaryQuery(new URLSearchParams(query), nowMs);

/** The parameter that a query is refused for. */
function refusal(query: string): unknown {
  try {
    parse(query);
  } catch (error) {
    if (error instanceof ApiError && error.code === "invalid_parameter") return error.members["parameter"];
    throw error;
  }
  throw new Error(`${query} was not refused`);
}

describe("parseSummaryQuery", () => {
  it("without parameters: 30 days to the end of the current UTC hour, ungrouped, in UTC", () => {
    expect(parse("")).toMatchObject({
      fromMs: Date.UTC(2026, 2, 1, 13),
      toMs: Date.UTC(2026, 2, 31, 13),
      zone: { name: "UTC" },
      interval: "none",
      groupBy: [],
      dimensions: {},
      label: null,
      include: [],
      order: { key: "cost_usd", descending: true },
      limit: null,
      compare: null,
    });
  });

  it("on the hour: the hour that begins now is the current one", () => {
    expect(parse("", Date.UTC(2026, 2, 31, 13)).toMs).toBe(Date.UTC(2026, 2, 31, 14));
  });

  it("takes from as 30 days before to, whatever the clock says", () => {
    expect(parse("to=2025-06-30")).toMatchObject({ fromMs: Date.UTC(2025, 4, 31), toMs: Date.UTC(2025, 5, 30) });
  });

  it("reads bare days in the zone, other forms as they are", () => {
    const query = "from=2025-03-30&to=2025-03-31&tz=Europe/Berlin";
    expect(parse(query)).toMatchObject({ fromMs: Date.UTC(2025, 2, 29, 23), toMs: Date.UTC(2025, 2, 30, 22) });
    const exact = `from=2025-03-30T00:00:00Z&to=${Date.UTC(2025, 2, 31)}&tz=Europe/Berlin`;
    expect(parse(exact)).toMatchObject({ fromMs: Date.UTC(2025, 2, 30), toMs: Date.UTC(2025, 2, 31) });
  });

  it("gathers filters: several of one name, and one label", () => {
    expect(parse("model=a&model=b&application=c&tag.team=x&tag.team=y")).toMatchObject({
      dimensions: { model: ["a", "b"], application: ["c"] },
      label: { name: "tag.team", values: ["x", "y"] },
    });
  });

  it("takes any alias of a provider", () => {
    expect(parse("provider=amazon-bedrock&provider=openai.chat").dimensions).toEqual({ provider: ["aws", "openai"] });
  });

  it("keeps group keys in the order asked", () => {
    expect(parse("group_by=tag.a.b=c,model,application").groupBy).toEqual(["tag.a.b=c", "model", "application"]);
    expect(parse("group_by=").groupBy).toEqual([]);
  });

  it("takes the label that it groups by as a filter too, and no second one", () => {
    expect(parse("group_by=user&user=ann").label).toEqual({ name: "user", values: ["ann"] });
    expect(refusal("group_by=user&tag.team=x")).toBe("group_by");
    expect(refusal("user=ann&tag.team=x")).toBe("tag.team");
    expect(refusal("tag.team=x&tag.group=y")).toBe("tag.group");
    expect(refusal("group_by=tag.team,user")).toBe("group_by");
  });

  it.each(INTERVALS)("knows the interval %s", (interval) => {
    expect(parse(`interval=${interval}`).interval).toBe(interval);
  });

  it.each(["valueOf", "__proto__", "constructor", "hasOwnProperty"])("is not fooled by %s", (name) => {
    expect(refusal(`${name}=1`)).toBe(name);
    expect(refusal(`group_by=${name}`)).toBe("group_by");
    expect(refusal(`interval=${name}`)).toBe("interval");
    expect(refusal(`tz=${name}`)).toBe("tz");
  });
});

describe("parseRange", () => {
  it.each(["from=1999-12-31", "to=2100-01-02", "from=2025-01-02&to=2025-01-01", "from=2025-01-01&to=2025-01-01"])(
    "refuses %s",
    (query) => {
      expect(() => parseRange(new URLSearchParams(query), NOW)).toThrow(ApiError);
    },
  );
});
