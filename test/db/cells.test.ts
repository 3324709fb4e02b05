/** Rows have the values that Neon's library gives by default. */
import { types } from "@neondatabase/serverless";
import { expect, it } from "vitest";
import { rowsOf } from "../../src/db/cells.ts";

const valueOf = (dataTypeID: number, text: string | null): unknown =>
  rowsOf({ fields: [{ name: "a", dataTypeID }], rows: [[text]] })[0]!["a"];

const INSTANTS = [
  "2026-11-30 09:52:35+00",
  "2026-11-30 09:52:35.1+00",
  "2026-11-30 09:52:35.07+00",
  "2026-11-30 09:52:35.123999+00",
  "1999-12-31 23:59:59.999999+00",
  "2020-02-29 00:00:00+00",
  "0050-01-02 03:04:05+00",
  "0044-03-15 00:00:00+00 BC",
  "12026-11-30 09:52:35+00",
  "2026-11-30 09:52:35.5+05:30",
  "2026-11-30 09:52:35-03",
  "infinity",
];

it.each([
  ...INSTANTS.map((text) => [1184, text] as const),
  [16, "t"],
  [16, "f"],
  [20, "9223372036854775807"],
  [21, "-5"],
  [23, "2147483647"],
  [25, ""],
  [701, "0.1"],
  [701, "NaN"],
  [701, "Infinity"],
  [1700, "12.500"],
  [2950, "00000000-0000-4000-8000-000000000001"],
  [3802, '{"a": 1}'],
  [1009, '{a,"b,c",NULL}'],
  [1016, "{1,2}"],
  [1231, "{1.5}"],
  [2951, "{00000000-0000-4000-8000-000000000001}"],
] as const)("type %d: %s", (oid, text) => {
  expect(valueOf(oid, text)).toEqual((types.getTypeParser(oid) as (text: string) => unknown)(text));
  expect(valueOf(oid, null)).toBeNull();
});

it("gives every millisecond as the library does", () => {
  for (let ms = 0; ms < 1_000; ms++) {
    const text = `2026-11-30 09:52:35.${String(ms).padStart(3, "0")}+00`;
    expect(valueOf(1184, text)).toEqual((types.getTypeParser(1184) as (text: string) => Date)(text));
  }
});

it("gives each row all columns, and no row the values of another", () => {
  const fields = ["a", "b"].map((name) => ({ name, dataTypeID: 25 }));
  const rows = [
    ["1", "2"],
    [null, "3"],
    [null, null],
  ];
  expect(rowsOf({ fields, rows })).toEqual([
    { a: "1", b: "2" },
    { a: null, b: "3" },
    { a: null, b: null },
  ]);
});

it("takes the last of columns with one name", () => {
  const fields = ["a", "a"].map((name) => ({ name, dataTypeID: 25 }));
  expect(rowsOf({ fields, rows: [["1", "2"]] })).toEqual([{ a: "2" }]);
  expect(rowsOf({ fields, rows: [["1", null]] })).toEqual([{ a: null }]);
});
