/** How fast the database grows, from samples; and the samples themselves. */
import { sql } from "drizzle-orm";
import { describe, expect, it } from "vitest";
import {
  growthOf,
  judgeGrowth,
  readSizeSamples,
  sampleSizes,
  type SizeSample,
  tableGrowth,
} from "../../src/insight/growth.ts";
import { DAY_MS } from "../../src/time.ts";
import { ownDatabase } from "../own-database.ts";
import { session } from "./sessions.ts";

const NOW = Date.UTC(2026, 10, 29, 12);
const GB = 2 ** 30;

function sample(daysAgo: number, gigabytes: number, tables: Record<string, number> = {}): SizeSample {
  return { atMs: NOW - daysAgo * DAY_MS, databaseBytes: gigabytes * GB, tables };
}

describe("the rate", () => {
  it("is the difference to a week ago, by the day", () => {
    // From 10 GB to 17 GB in 7 days: 1 GB a day. The other 13 GB of the disk are full in 13 days.
    const growth = growthOf([sample(7, 10), sample(1, 16)], NOW, 17 * GB, 30 * GB);
    expect(growth).toEqual({
      samples: 2,
      since: "2026-11-22T12:00:00.000Z",
      bytes_a_day: GB,
      disk_bytes: 30 * GB,
      disk_share: 17 / 30,
      disk_full_at: "2026-12-12T12:00:00.000Z",
    });
    expect(judgeGrowth(growth, NOW)).toMatchObject([{ severity: "critical", code: "disk_full_soon" }]);
  });

  it("is that of a month where a month of calls was removed within the week", () => {
    // A month ago 10 GB, a week ago 30 GB, now 25 GB: half a GB a day, not -5/7.
    const growth = growthOf([sample(30, 10), sample(7, 30), sample(1, 25)], NOW, 25 * GB, undefined);
    expect(growth.bytes_a_day).toBe(GB / 2);
    expect(growth.disk_full_at).toBeNull();
  });

  it("is not known from less than a day", () => {
    const growth = growthOf([sample(0.5, 1)], NOW, 2 * GB, 100 * GB);
    expect(growth).toMatchObject({ bytes_a_day: null, since: null, disk_full_at: null });
    expect(judgeGrowth(growth, NOW)).toMatchObject([{ severity: "info", code: "growth_unknown" }]);
  });

  it("never fills the disk if nothing grows, or so slowly that nobody can tell", () => {
    expect(growthOf([sample(7, 2)], NOW, 2 * GB, 3 * GB).disk_full_at).toBeNull();
    expect(growthOf([sample(7, 3)], NOW, 2 * GB, 3 * GB).disk_full_at).toBeNull();
    // 1 GB in 7 days, 1,000 GB left: 7,000 days.
    expect(growthOf([sample(7, 1)], NOW, 2 * GB, 1_002 * GB).disk_full_at).toBeNull();
  });

  it("is told of each table that a sample has", () => {
    const growth = tableGrowth([sample(2, 1, { traces: 100, spans: 10 })], NOW, { traces: 300, spans: 10, new: 5 });
    expect([...growth]).toEqual([
      ["traces", 100],
      ["spans", 0],
    ]);
  });
});

it.each([
  [0.79, undefined],
  [0.8, "warning"],
  [0.9, "critical"],
  [1.2, "critical"],
])("a disk that is filled to %d is %s", (share, severity) => {
  const growth = growthOf([sample(7, share * 100)], NOW, share * 100 * GB, 100 * GB);
  const finding = judgeGrowth(growth, NOW).find(({ code }) => code === "disk_nearly_full");
  expect(finding?.severity).toBe(severity);
  // What is fuller than full is full now.
  if (share > 1) expect(growth.disk_full_at).toBe("2026-11-29T12:00:00.000Z");
});

it("is sampled once a day, with partitions summed up, and kept 400 days", async () => {
  const { db } = await ownDatabase();
  const years = [NOW - 401 * DAY_MS, NOW - 399 * DAY_MS, NOW - DAY_MS, NOW - 60_000, NOW];
  for (const at of years) await sampleSizes(db, at);
  const days = await db.query(sql`select day::text as day from size_samples order by day`);
  expect(days.map(({ day }) => day)).toEqual(["2025-10-26", "2026-11-28", "2026-11-29"]);

  const samples = (await readSizeSamples(db, NOW, []))!;
  expect(samples.map(({ atMs }) => atMs)).toEqual([NOW - DAY_MS, NOW]);
  const [real] = await db.query(sql`
    select sum(pg_total_relation_size(inhrelid))::float8 as traces, pg_database_size(current_database())::float8 as all
    from pg_inherits where inhparent = 'traces'::regclass`);
  expect(samples[1]!.tables["traces"]).toBe(real!["traces"]);
  expect(samples[1]!.databaseBytes / Number(real!["all"])).toBeCloseTo(1, 1);
});

it("is sampled also while a table is locked, and without waiting for it", async () => {
  const { db, url } = await ownDatabase();
  const holder = await session(url);
  await holder.query("begin; lock table rollup in access exclusive mode; lock table traces_2026_11");
  await sampleSizes(db, NOW);
  const [taken] = (await readSizeSamples(db, NOW, []))!;
  expect(Object.keys(taken!.tables)).toContain("rollup");
  await holder.query("rollback");
});
