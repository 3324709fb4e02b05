import { parse } from "csv-parse/sync";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type CsvColumn, csvHeader, csvLine } from "../../src/export/csv.ts";

const TEXT: CsvColumn = { name: "text", text: true };
const OURS: CsvColumn = { name: "ours", text: false };
const cell = (value: unknown, column = TEXT): string => csvLine([column], [value]).replace(/\r\n$/, "");

describe("a cell", () => {
  it.each([
    ["plain", "plain"],
    ["a,b", '"a,b"'],
    ['say "hi"', '"say ""hi"""'],
    ["two\nlines", '"two\nlines"'],
    ["two\r\nlines", '"two\r\nlines"'],
    ["", ""],
    [null, ""],
    [undefined, ""],
    [0, "0"],
    [false, "false"],
    [{ team: "red" }, '"{""team"":""red""}"'],
  ])("%j is %j", (value, expected) => {
    expect(cell(value)).toBe(expected);
  });

  it.each(["=1+1", "+1", "-1", "@sum", "\tx", "\rx", "\n=1", "＝1+1", "＋1", "－1", "＠sum", '=cmd|"/c calc"!A1'])(
    "of a caller never begins a formula: %j",
    (value) => {
      expect(parse(`${cell(value)}\n`)).toEqual([[`'${value}`]]);
    },
  );

  it.each(["a=b", " =1", "'=1", "ü"])("of a caller stays as it is otherwise: %j", (value) => {
    expect(parse(`${cell(value)}\n`)).toEqual([[value]]);
  });

  it("of ours is never changed", () => {
    expect(cell("-0.5", OURS)).toBe("-0.5");
    expect(cell(-5, OURS)).toBe("-5");
  });
});

describe("a line", () => {
  it("ends with CRLF and has a cell for each column", () => {
    expect(csvHeader([TEXT, OURS])).toBe("text,ours\r\n");
    expect(csvLine([TEXT, OURS, TEXT], ["a", null, "b"])).toBe("a,,b\r\n");
  });

  it("reads back as what it was", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: "grapheme" }), { minLength: 2, maxLength: 5 }), (values) => {
        const line = csvLine(
          values.map(() => OURS),
          values,
        );
        expect(parse(line, { record_delimiter: "\r\n" })).toEqual([values]);
      }),
    );
  });
});
