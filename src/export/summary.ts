/** Every group of a summary, however many: chunks of the interval's buckets, and pages of groups within them. */
import type { Database } from "../db/client.ts";
import { expectRaw } from "../retention/kept.ts";
import type { Measure } from "../rollup/measures.ts";
import type { Group } from "../summary/group.ts";
import type { SummaryQuery } from "../summary/query.ts";
import { readWindows } from "../summary/parts.ts";
import { readGroup } from "../summary/summarize.ts";
import { windowsOf } from "../summary/windows.ts";
import { nextBucket } from "../summary/zone.ts";
import type { Position } from "./cursor.ts";
import { type From, groupsStatement, SPLIT_MEASURES } from "./groups.ts";
import { type PageSize, patiently } from "./paging.ts";

export interface GroupPagesOptions {
  projectId: string;
  query: SummaryQuery;
  measures: readonly Measure[];
  /** Also `SPLIT_MEASURES`, for which traces may have to be read. */
  split: boolean;
  /** The group to begin with; null for the first. */
  from: Position | null;
}

const FIRST_BUCKETS = 31;
const MAX_BUCKETS = 1_000;

/** Pages, some of them empty, in the order of bucket, dimensions and label (bytewise), the calls without the label first. */
export async function* groupPages(
  db: Database,
  { projectId, query, measures, split, from }: GroupPagesOptions,
  size: PageSize,
): AsyncGenerator<Group[], void> {
  const read = split ? [...measures, ...SPLIT_MEASURES] : measures;
  let buckets = FIRST_BUCKETS;
  let startMs = from === null ? query.fromMs : Math.max(query.fromMs, from.bucketMs);
  let after: From | null = from && { keys: from.keys, inclusive: true };
  while (startMs < query.toMs) {
    const { page, rows, endMs } = await patiently(size, async (rows, failures) => {
      // A statement that takes too long may have too much to add up.
      if (failures > 0) buckets = 1;
      const endMs = endOf(query, startMs, buckets);
      const windows = windowsOf(startMs, endMs, query.interval, query.zone)!;
      const bucketStartsMs = query.interval === "none" ? [] : [...new Set(windows.map(({ bucketMs }) => bucketMs))];
      const statement = groupsStatement({
        projectId,
        query,
        windows,
        bucketStartsMs,
        measures,
        maxRows: rows,
        from: after,
        split,
      });
      const page = (await readWindows(db, statement, windows)).map((row) =>
        readGroup(query, read, bucketStartsMs, row),
      );
      if (split && page.some(isMixed)) await expectRaw(db, startMs);
      return { page, rows, endMs };
    });
    yield page;
    if (page.length === rows) {
      const last = page.at(-1)!;
      startMs = Math.max(query.fromMs, last.bucketMs);
      after = { keys: last.keys, inclusive: false };
      buckets = Math.ceil(buckets / 2);
    } else {
      startMs = endMs;
      after = null;
      if (page.length < rows / 2) buckets = Math.min(buckets * 2, MAX_BUCKETS);
    }
  }
}

/** Only traces tell what the calls without a cost hold in it. */
function isMixed({ sums }: Group): boolean {
  return sums["unpriced_requests"]! > 0n && sums["unpriced_requests"]! < sums["requests"]!;
}

/** The end of so many of the interval's buckets, or of the range. */
function endOf({ interval, zone, toMs }: SummaryQuery, startMs: number, buckets: number): number {
  if (interval === "none") return toMs;
  let endMs = startMs;
  for (let i = 0; i < buckets && endMs < toMs; i++) endMs = nextBucket(zone, interval, endMs);
  return Math.min(endMs, toMs);
}
