/** Downloads of what is seen, as the API reads them. */
import { describe, expect, it } from "vitest";
import { parseExportQuery } from "../../src/export/query.ts";
import { exportOf, type Format, type Question } from "../../src/page/export.ts";
import { queryString } from "../../src/page/query-string.ts";

const NOW = Date.parse("2026-11-30T14:05:09Z");
const PROJECT = "11111111-1111-4111-8111-111111111111";
const SEEN = {
  from: "2026-11-01T00:00:00.000Z",
  to: "2026-11-30T15:00:00.000Z",
  tz: "Europe/Berlin",
  model: ["a&b", "c"],
  tags: { "tag.team": ["it's"] },
};
/** All that a table may ask at once. */
const RICH = { ...SEEN, group_by: ["model"], interval: "week", limit: 10, order: "-requests", compare: "previous" };

function parsed(question: Question) {
  return parseExportQuery(new URLSearchParams(queryString(question)), PROJECT, NOW);
}

describe("a summary as a download", () => {
  it.each(["csv", "ndjson", "focus"] as const)("is one that the API takes, with what is seen: %s", (format) => {
    for (const question of [SEEN, RICH, { ...RICH, include: ["rates", "latency"] }, { ...SEEN, interval: "none" }]) {
      const { query } = parsed(exportOf("/v1/summary", question, format)!.query);
      expect(query).toMatchObject({ fromMs: Date.parse(SEEN.from), toMs: Date.parse(SEEN.to) });
      expect(query).toMatchObject({ dimensions: { model: SEEN.model }, label: { values: ["it's"] } });
    }
  });

  it("keeps groups, interval and parts", () => {
    const { query, differences } = exportOf(
      "/v1/summary",
      { ...SEEN, group_by: ["tag.team"], include: ["latency"] },
      "csv",
    )!;
    expect(parsed(query).query).toMatchObject({ groupBy: ["tag.team"], interval: "none", include: ["latency"] });
    expect(differences).toEqual([]);
  });

  it("says what its rows cannot have", () => {
    expect(exportOf("/v1/summary", { ...RICH, include: ["rates"] }, "csv")!.differences).toEqual([
      "A download has every group, in place of the largest and (other).",
      "Its rows come by interval and by group.",
      "It leaves out the period that is compared with. Its rows have no columns for it.",
      "It has the rates of each row, and not those of the whole.",
    ]);
  });

  it("is of days or hours, providers and models in FOCUS, and says so", () => {
    const focus = exportOf(
      "/v1/summary",
      { ...SEEN, group_by: ["application", "model"], include: ["rates"] },
      "focus",
    )!;
    expect(focus.query).toMatchObject({ interval: "day", group_by: ["application", "model", "provider"] });
    expect(focus.differences).toEqual([
      "FOCUS leaves out rates. It has no columns for them.",
      "FOCUS has a line for each day.",
      "FOCUS also has lines by provider.",
    ]);
    const hourly = exportOf("/v1/summary", { ...SEEN, interval: "hour", group_by: ["provider", "model"] }, "focus")!;
    expect(hourly.query).toMatchObject({ interval: "hour", group_by: ["provider", "model"] });
    expect(hourly.differences).toEqual([]);
  });
});

describe("a list of calls as a download", () => {
  const LIST = {
    ...SEEN,
    limit: 50,
    cursor: "0198b0c0-0000-7000-8000-000000000000",
    status: ["error"],
    unpriced: true,
  };

  it.each(["csv", "ndjson"] as const)("is all pages of what is seen: %s", (format: Format) => {
    const { query, differences } = exportOf("/v1/traces", { ...LIST, user: ["u"] }, format)!;
    expect(parsed(query)).toMatchObject({
      type: "traces",
      format,
      query: { unpricedOnly: true, columns: { status: ["error"], model: SEEN.model }, cursor: null },
    });
    expect(differences).toEqual(["A download has all calls of the range, the oldest first."]);
  });

  it("has no lines of FOCUS", () => {
    expect(exportOf("/v1/traces", LIST, "focus")).toBeNull();
  });
});
