import { hash } from "node:crypto";
import { Readable } from "node:stream";
import { describe, expect, it } from "vitest";
import { FileChanged, makeBatches, type Batch, type Position } from "../../scripts/import/batches.ts";
import { countIdentical } from "../../scripts/import/identical-rows.ts";
import { readRows } from "../../scripts/import/rows.ts";

const HEADER = "timestamp,model,input_tokens,output_tokens";
const row = (second: number, tokens: number | string = 1) => `2026-01-01 00:00:${second},gpt-4o,${tokens},1`;

interface Options {
  size?: number;
  from?: Position;
  idPrefix?: string;
}

async function batchesOf(lines: string[], { size = 2, from, idPrefix = "import" }: Options = {}) {
  const refused: number[] = [];
  const rows = readRows(Readable.from([[HEADER, ...lines].join("\n")]), "csv", ",", () => undefined);
  const batches: Batch[] = [];
  const mapping = { columns: new Map(), defaults: new Map(), zoneMinutes: 0 };
  const onRefused = (line: number) => void refused.push(line);
  for await (const batch of makeBatches(rows, { mapping, idPrefix, size, from, onRefused })) batches.push(batch);
  return {
    batches,
    refused,
    ids: batches.flatMap(({ body }) => (JSON.parse(body) as { id: string }[]).map(({ id }) => id)),
  };
}

describe("ids of rows without one", () => {
  it("are the same each time, all different, and another prefix makes others", async () => {
    const lines = [row(10), row(11), row(12)];
    const { ids } = await batchesOf(lines);
    expect(new Set(ids).size).toBe(3);
    expect((await batchesOf(lines)).ids).toEqual(ids);
    const others = (await batchesOf(lines, { idPrefix: "again" })).ids;
    expect(ids.filter((id) => others.includes(id))).toEqual([]);
  });

  it("tell identical rows apart, and stay when rows are appended, sorted anew or cut off", async () => {
    const { ids } = await batchesOf([row(10), row(10), row(11), row(10)]);
    expect(new Set(ids).size).toBe(4);
    const appended = await batchesOf([row(10), row(10), row(11), row(10), row(10), row(12)]);
    expect(appended.ids.slice(0, 4)).toEqual(ids);
    expect(new Set(appended.ids).size).toBe(6);
    const sorted = await batchesOf([row(11), row(10), row(10), row(10)]);
    expect(new Set(sorted.ids)).toEqual(new Set(ids));
    const overlapping = await batchesOf([row(11), row(12)]);
    expect(overlapping.ids[0]).toBe(ids[2]);
  });

  it("count identical rows past any growth of the table", () => {
    const identicalBefore = countIdentical(4);
    const digests = Array.from({ length: 100 }, (_, i) => hash("sha256", String(i)));
    for (const ordinal of [0, 1, 2]) {
      for (const digest of digests) expect(identicalBefore(digest)).toBe(ordinal);
    }
  });
});

describe("batches", () => {
  it("hold so many calls, know their lines, and leave bad rows out", async () => {
    const { batches, refused } = await batchesOf([row(10), row(11, "x"), row(12), row(13)]);
    expect(batches.map(({ lines }) => lines)).toEqual([[2, 4], [5]]);
    expect(batches.map(({ end }) => [end.rows, end.refused])).toEqual([
      [3, 1],
      [4, 1],
    ]);
    expect(refused).toEqual([3]);
  });

  it("go on after the rows that were acknowledged, with the ids that a full run gives", async () => {
    const lines = [row(10), row(10), row(11, "x"), row(10), row(10)];
    const whole = await batchesOf(lines);
    const rest = await batchesOf(lines, { from: whole.batches[0]!.end });
    expect(rest.ids).toEqual(whole.ids.slice(2));
    expect(rest.batches.at(-1)!.end).toEqual(whole.batches.at(-1)!.end);
    const appended = await batchesOf([...lines, row(12)], { from: whole.batches[0]!.end });
    expect(appended.ids).toHaveLength(3);
  });

  it("notice that the file begins otherwise, or is shorter, than when it was acknowledged", async () => {
    const { batches } = await batchesOf([row(10), row(11), row(12)]);
    const from = batches[0]!.end;
    await expect(batchesOf([row(10), row(59), row(12)], { from })).rejects.toThrow(FileChanged);
    await expect(batchesOf([row(10)], { from })).rejects.toThrow(FileChanged);
  });
});
