import { describe, expect, it } from "vitest";
import { ApiError } from "../../src/errors.ts";
import { parseExplainQuery } from "../../src/explain/query.ts";

const NOW = Date.UTC(2026, 2, 31, 12, 34, 56, 789);
const parse = (query: string) => parseExplainQuery(new URLSearchParams(query), NOW);

/** The period compared with, as two instants. */
function before(query: string): string[] {
  const { fromMs, toMs } = parse(query).before;
  return [fromMs, toMs].map((ms) => new Date(ms).toISOString().replace(":00.000Z", ""));
}

describe("parseExplainQuery", () => {
  it("without parameters: the 30 days to the end of the current UTC hour, against the 30 days before", () => {
    expect(parse("")).toMatchObject({
      after: { fromMs: Date.UTC(2026, 2, 1, 13), toMs: Date.UTC(2026, 2, 31, 13) },
      before: { fromMs: Date.UTC(2026, 0, 30, 13), toMs: Date.UTC(2026, 2, 1, 13) },
      zone: { name: "UTC" },
      dimensions: {},
      label: null,
    });
  });

  it.each([
    ["from=2025-03-10&to=2025-03-17", "2025-03-03T00:00", "2025-03-10T00:00"],
    ["from=2025-03-10T06:30:00Z&to=2025-03-10T08:00:00Z", "2025-03-10T05:00", "2025-03-10T06:30"],
    ["from=2025-03-01&to=2025-04-01", "2025-02-01T00:00", "2025-03-01T00:00"],
    ["from=2025-01-01&to=2025-04-01", "2024-10-01T00:00", "2025-01-01T00:00"],
    // Europe's clocks went forward on 30 March: a day of 23 hours, with one of 24 before it.
    ["from=2025-03-30&to=2025-03-31&tz=Europe/Berlin", "2025-03-28T23:00", "2025-03-29T23:00"],
    ["from=2025-04-01&to=2025-05-01&tz=Europe/Berlin", "2025-02-28T23:00", "2025-03-31T22:00"],
    // A month of UTC is none of Berlin.
    ["from=2025-03-01T00:00:00Z&to=2025-04-01T00:00:00Z&tz=Europe/Berlin", "2025-01-29T00:00", "2025-03-01T00:00"],
  ])("%s: previous is from %s to %s", (query, from, to) => {
    expect(before(query)).toEqual([from, to]);
    expect(before(`${query}&compare=previous`)).toEqual([from, to]);
  });

  it("takes any other period, in the zone, also one that overlaps or is later", () => {
    const query = "from=2025-03-10&to=2025-03-17&tz=Europe/Berlin&compare_from=2025-03-12&compare_to=2025-03-20";
    expect(before(query)).toEqual(["2025-03-11T23:00", "2025-03-19T23:00"]);
  });

  it("gathers filters as a summary does", () => {
    expect(parse("model=a&model=b&tag.team=x")).toMatchObject({
      dimensions: { model: ["a", "b"] },
      label: { name: "tag.team", values: ["x"] },
    });
  });

  it.each([
    ["group_by=model", "group_by"],
    ["interval=day", "interval"],
    ["compare=next", "compare"],
    ["compare=previous&compare=previous", "compare"],
    ["compare=previous&compare_from=2025-01-01&compare_to=2025-02-01", "compare"],
    ["compare_from=2025-01-01", "compare_to"],
    ["compare_to=2025-01-01", "compare_from"],
    ["compare_from=2025-01-02&compare_to=2025-01-01", "compare_from"],
    ["compare_from=2025-01-01&compare_to=2025-01-01", "compare_from"],
    ["from=2000-01-02&to=2025-01-01", "compare"],
  ])("%s is refused for %s", (query, parameter) => {
    try {
      parse(query);
    } catch (error) {
      expect(error).toBeInstanceOf(ApiError);
      expect((error as ApiError).code).toBe("invalid_parameter");
      expect((error as ApiError).members["parameter"]).toBe(parameter);
      return;
    }
    throw new Error("was not refused");
  });
});
