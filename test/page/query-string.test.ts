import { expect, it } from "vitest";
import { SUMMARY_PARAMETERS } from "../../src/summary/query.ts";
import { EXPORT_PARAMETERS } from "../../src/export/query.ts";
import { queryString } from "../../src/page/query-string.ts";

it("writes parameters as the API reads them", () => {
  const query = {
    group_by: ["application", "model"],
    include: [],
    application: ["a,b", "c"],
    limit: 8,
    tags: { "tag.team": ["search"] },
    tz: undefined,
  };
  expect(decodeURIComponent(queryString(query))).toBe(
    "group_by=application,model&application=a,b&application=c&limit=8&tag.team=search",
  );
});

it("joins exactly what the API splits", () => {
  for (const [name, { written }] of Object.entries({ ...SUMMARY_PARAMETERS, ...EXPORT_PARAMETERS })) {
    const joined = decodeURIComponent(queryString({ [name]: ["x", "y"] })) === `${name}=x,y`;
    expect([name, joined]).toEqual([name, written === "commas"]);
  }
});
