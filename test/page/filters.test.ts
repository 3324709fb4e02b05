/** Filters of an address, and how the API reads what they become. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  fieldName,
  type Filter,
  type FilterField,
  filterQuery,
  filtersOf,
  isFilterField,
  withFilter,
  withoutFilter,
  withoutOtherLabels,
  wrongValue,
} from "../../src/page/filters.ts";
import { queryString } from "../../src/page/query-string.ts";
import { type ValuesField, valuesQuery } from "../../src/page/values.ts";
import { parseSummaryQuery } from "../../src/summary/query.ts";
import { parseValuesQuery } from "../../src/summary/values.ts";

const NOW = Date.parse("2026-11-30T14:05:09Z");
const RANGE = { from: NOW - 86_400_000, to: NOW, zone: "Europe/Berlin", preset: null, wrong: null };
const query = (text: string) => new URLSearchParams(text);
const fields = fc.oneof(
  fc.constantFrom<FilterField>("application", "environment", "model", "operation", "user"),
  fc
    .string({ minLength: 1, maxLength: 20, unit: "grapheme" })
    .filter((key) => !key.includes("\0"))
    .map((key): FilterField => `tag.${key}`),
);
/** As callers may send them: markup, quotes, `&`, `=`, `+`, `%`, controls, emoji. */
const values = fc
  .oneof(
    fc.string({ unit: "grapheme" }),
    fc.string({ unit: "binary" }),
    fc.constantFrom("a&b=c", "100%", "1+1", "'\"`$(x)"),
  )
  .filter((value) => wrongValue(value) === null && value.isWellFormed());

describe("the filters of an address", () => {
  it("are what the API filters by, and nothing else", () => {
    expect(filtersOf(query("range=7d&model=a&tag.team=x&model=b&model=a&tagteam=no&tag.=no&limit=5"))).toEqual([
      { field: "model", value: "a" },
      { field: "tag.team", value: "x" },
      { field: "model", value: "b" },
    ]);
    expect([isFilterField("tag.a b"), isFilterField("service_tier"), isFilterField("tag.")]).toEqual([
      true,
      false,
      false,
    ]);
  });

  it("come and go one by one, and begin a list anew", () => {
    const one = withFilter(query("range=7d&cursor=x"), "model", "a");
    expect(one.toString()).toBe("range=7d&model=a");
    const two = withFilter(one, "model", "b");
    expect(withFilter(two, "model", "b").toString()).toBe("range=7d&model=a&model=b");
    expect(withoutFilter(two, "model", "a").toString()).toBe("range=7d&model=b");
    expect(withoutFilter(two, "user", "a").toString()).toBe(two.toString());
    expect(one.toString()).toBe("range=7d&model=a");
  });

  it("arrive at the API as they are, whatever is in them", () => {
    fc.assert(
      fc.property(fields, fc.uniqueArray(values, { minLength: 1, maxLength: 3 }), (field, chosen) => {
        let address = query("range=7d");
        for (const value of chosen) address = withFilter(address, field, value);
        // What is in the address bar is a text.
        const read = new URLSearchParams(address.toString());
        expect(filtersOf(read)).toEqual(chosen.map((value) => ({ field, value })));
        const asked = parseSummaryQuery(new URLSearchParams(queryString({ ...filterQuery(read) })), NOW);
        const given = asked.label ? [asked.label.name, asked.label.values] : Object.entries(asked.dimensions)[0];
        expect(given).toEqual([field, chosen]);
        for (const value of chosen) address = withoutFilter(address, field, value);
        expect(address.toString()).toBe("range=7d");
      }),
    );
  });

  it("have one label in a summary: another one takes its place", () => {
    const had = query("model=a&user=u&tag.team=x&tag.team=y");
    expect(withoutOtherLabels(had, "tag.team").toString()).toBe("model=a&tag.team=x&tag.team=y");
    expect(withoutOtherLabels(had, "user").toString()).toBe("model=a&user=u");
    expect(withoutOtherLabels(had, "model").toString()).toBe(had.toString());
  });

  it("are refused in a sentence where the API would refuse them", () => {
    const refused = (value: string): boolean => {
      try {
        parseSummaryQuery(new URLSearchParams({ model: value }), NOW);
        return false;
      } catch {
        return true;
      }
    };
    for (const value of ["", "a".repeat(512), "a".repeat(513), "a\0b", " ", "(none)", "(other)"])
      expect([value.length, wrongValue(value) !== null]).toEqual([value.length, refused(value)]);
    expect(wrongValue("")).toContain("no filter for calls without a value");
    expect(wrongValue("a".repeat(513))).toContain("this one has 513");
  });

  it("are named as people read them", () => {
    expect([fieldName("model"), fieldName("user"), fieldName("tag.tag.x")]).toEqual(["Model", "User", "tag.x"]);
  });
});

it("asks for values in a way that the API takes, beside any filters", () => {
  const filters = fc.array(fc.record<Filter>({ field: fields, value: values }), { maxLength: 5 });
  fc.assert(
    fc.property(fc.oneof(fields, fc.constant<ValuesField>("tag")), values, filters, (field, text, had) => {
      const asked = new URLSearchParams(queryString(valuesQuery(field, text, had, RANGE)));
      const { field: read, part, label } = parseValuesQuery(asked, NOW);
      expect([read, part]).toEqual([field, text]);
      // A filter by a label stays if nothing else is asked of labels.
      const first = had.find((filter) => filter.field === "user" || filter.field.startsWith("tag."));
      if (field === "model") expect(label?.name).toBe(first?.field);
    }),
  );
});
