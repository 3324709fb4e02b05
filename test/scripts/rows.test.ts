import { Readable } from "node:stream";
import { describe, expect, it } from "vitest";
import { readRows, type Format, type Row } from "../../scripts/import/rows.ts";

/** In pieces of `size` bytes, so that lines and characters are cut anywhere. */
async function read(text: string, format: Format, { size = 5, delimiter = "," } = {}): Promise<Row[]> {
  const bytes = Buffer.from(text);
  const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
    bytes.subarray(i * size, (i + 1) * size),
  );
  const rows: Row[] = [];
  for await (const row of readRows(Readable.from(pieces), format, delimiter, () => undefined)) rows.push(row);
  return rows;
}

describe("CSV", () => {
  it("counts lines where rows start, past quoted line breaks, empty lines and a byte order mark", async () => {
    const rows = await read('\u{FEFF}model,note\r\ngpt-4o,"two\r\nlines"\r\n\r\no3,é\r\n', "csv");
    expect(rows.map(({ line, values }) => [line, { ...values }])).toEqual([
      [2, { model: "gpt-4o", note: "two\r\nlines" }],
      [5, { model: "o3", note: "é" }],
    ]);
  });

  it("refuses a row of another length alone", async () => {
    const rows = await read("a,b\n1\n2,3\n4,5,6\n", "csv");
    expect(rows.map(({ problem }) => problem)).toEqual([
      "the row has 1 cells, the header 2",
      undefined,
      "the row has 3 cells, the header 2",
    ]);
  });

  it("takes another delimiter, and a stray quote as it is", async () => {
    const [row] = await read('a;b\n5" disk;2\n', "csv", { delimiter: ";" });
    expect({ ...row!.values }).toEqual({ a: '5" disk', b: "2" });
  });

  it("says where a quote that never ends begins to hurt", async () => {
    await expect(read('a,b\n1,2\n3,"4\n5,6\n', "csv")).rejects.toThrow(/cannot be read past line \d: Quote Not Closed/);
  });

  it("refuses two columns of one name", async () => {
    await expect(read("a,a\n1,2\n", "csv")).rejects.toThrow('two columns called "a"');
  });
});

describe("NDJSON", () => {
  it("ends rows at line feeds only, whatever else a string holds", async () => {
    const rows = await read('{"a":"x\u2028y"}\r\n\n{"a":"é"}', "ndjson", { size: 3 });
    expect(rows.map(({ line, values }) => [line, values])).toEqual([
      [1, { a: "x\u2028y" }],
      [3, { a: "é" }],
    ]);
  });

  it("refuses a line that is no object alone", async () => {
    const rows = await read('[1]\n{"a":1}\nnonsense\n', "ndjson");
    expect(rows.map(({ values }) => values)).toEqual([null, { a: 1 }, null]);
  });
});
