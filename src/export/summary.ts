/** All groups of a summary, without a maximum. A statement reads some intervals, and a page of the groups in them. */
import type { Database } from "../db/client.ts";
import { expectRaw } from "../retention/kept.ts";
import type { Measure } from "../ledger/measures.ts";
import type { Group } from "../summary/group.ts";
import type { SummaryQuery } from "../summary/query.ts";
import { readWindows } from "../summary/parts.ts";
import { readGroup } from "../summary/summarize.ts";
import { windowsOf } from "../summary/windows.ts";
import { nextInterval } from "../summary/zone.ts";
import type { Position } from "./cursor.ts";
import { type From, groupsStatement, SPLIT_MEASURES } from "./groups.ts";
import { type PageSize, patiently } from "./paging.ts";

export interface GroupPagesOptions {
  projectId: string;
  query: SummaryQuery;
  measures: readonly Measure[];
  /** If true, groups also have `SPLIT_MEASURES`. A group with calls of both kinds then needs calls. */
  split: boolean;
  /** The group to begin with; null for the first. */
  from: Position | null;
}

const FIRST_INTERVALS = 31;
const MAX_INTERVALS = 1_000;

/**
 * Gives pages, some of them empty, in the order of interval, dimensions and label (bytewise). The calls without the
 * label come first.
 */
export async function* groupPages(
  db: Database,
  { projectId, query, measures, split, from }: GroupPagesOptions,
  size: PageSize,
): AsyncGenerator<Group[], void> {
  const read = split ? [...measures, ...SPLIT_MEASURES] : measures;
  let intervals = FIRST_INTERVALS;
  let startMs = from === null ? query.fromMs : Math.max(query.fromMs, from.intervalMs);
  let after: From | null = from && { keys: from.keys, inclusive: true };
  while (startMs < query.toMs) {
    const { page, rows, endMs } = await patiently(size, async (rows, failures) => {
      // The statement may have taken too long because it had too much to add up.
      if (failures > 0) intervals = 1;
      const endMs = endOf(query, startMs, intervals);
      const windows = windowsOf(startMs, endMs, query.interval, query.zone)!;
      const intervalStartsMs =
        query.interval === "none" ? [] : [...new Set(windows.map(({ intervalMs }) => intervalMs))];
      const statement = groupsStatement({
        projectId,
        query,
        windows,
        intervalStartsMs,
        measures,
        maxRows: rows,
        from: after,
        split,
      });
      const page = (await readWindows(db, statement, windows)).map((row) =>
        readGroup(query, read, intervalStartsMs, row),
      );
      if (split && page.some(isMixed)) await expectRaw(db, startMs);
      return { page, rows, endMs };
    });
    yield page;
    if (page.length === rows) {
      const last = page.at(-1)!;
      startMs = Math.max(query.fromMs, last.intervalMs);
      after = { keys: last.keys, inclusive: false };
      intervals = Math.ceil(intervals / 2);
    } else {
      startMs = endMs;
      after = null;
      if (page.length < rows / 2) intervals = Math.min(intervals * 2, MAX_INTERVALS);
    }
  }
}

/** True for a group of calls with and without a cost. Only calls tell the quantities of each kind. */
function isMixed({ sums }: Group): boolean {
  return sums["unpriced_requests"]! > 0n && sums["unpriced_requests"]! < sums["requests"]!;
}

/** The end of this many intervals, or the end of the range if that is earlier. */
function endOf({ interval, zone, toMs }: SummaryQuery, startMs: number, intervals: number): number {
  if (interval === "none") return toMs;
  let endMs = startMs;
  for (let i = 0; i < intervals && endMs < toMs; i++) endMs = nextInterval(zone, interval, endMs);
  return Math.min(endMs, toMs);
}
