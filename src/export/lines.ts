/** An export as text, a page at a time. */
import type { Database } from "../db/client.ts";
import { BUCKETS } from "../pricing/buckets.ts";
import { MEASURES } from "../rollup/measures.ts";
import { type Group, noSums } from "../summary/group.ts";
import type { SummaryQuery } from "../summary/query.ts";
import { measuresFor, rowOf, show } from "../summary/summarize.ts";
import { bucketStart, nextBucket } from "../summary/zone.ts";
import { TRACE_FIELDS } from "../traces/read.ts";
import { type CsvColumn, csvHeader, csvLine } from "./csv.ts";
import type { Position } from "./cursor.ts";
import { chargesOf, type ChargePeriod, focusColumns } from "./focus.ts";
import { ahead, forGroups, forTraces, learn, type PageSize } from "./paging.ts";
import type { ExportQuery, SummaryExport } from "./query.ts";
import { groupPages } from "./summary.ts";
import { tracePages } from "./traces.ts";

const MAX_GROUPS = 8_000;
/** Of a kilobyte or two each in the database's answer. */
const MAX_WIDE_GROUPS = 3_000;

/** Chunks of whole lines, some of them empty. Reads no more than it is asked for. */
export function exportLines(db: Database, projectId: string, asked: ExportQuery): AsyncGenerator<string, void> {
  if (asked.type === "traces") {
    const size = forTraces();
    const form = asked.format === "csv" ? traceCsv : ndjson;
    return chunks(form, ahead(tracePages(db, projectId, asked.query, size)), size);
  }
  const { query, format, after } = asked;
  const focus = format === "focus";
  const size = forGroups(focus || query.include.length > 0 ? MAX_WIDE_GROUPS : MAX_GROUPS);
  const measures = focus ? CHARGED : measuresFor(query);
  const pages = groupPages(db, { projectId, query, measures, split: focus, from: after }, size);
  const form = { ndjson: summaryNdjson, csv: summaryCsv, focus: focusCsv }[format](asked, projectId);
  return chunks(form, pages, size);
}

/** What `chargesOf` asks for. */
const CHARGED = MEASURES.filter(({ name }) =>
  /^(unpriced_)?requests$|_tokens$|^web_searches$|^cost_.+_pico$/.test(name),
);

interface Form<T> {
  header: string;
  linesOf: (row: T) => string;
}

const CHUNK_CHARS = 256 * 1_024;

async function* chunks<T>(form: Form<T>, pages: AsyncIterable<T[]>, size: PageSize): AsyncGenerator<string, void> {
  let chunk = form.header;
  for await (const page of pages) {
    let chars = 0;
    for (const row of page) {
      const lines = form.linesOf(row);
      chars += lines.length;
      chunk += lines;
      if (chunk.length < CHUNK_CHARS) continue;
      yield chunk;
      chunk = "";
    }
    learn(size, page.length, chars);
    // Also when it is empty: between two pages a reader may leave.
    yield chunk;
    chunk = "";
  }
  // Of a range without a page there is still the header.
  yield chunk;
}

const ndjson: Form<unknown> = { header: "", linesOf: (row) => `${JSON.stringify(row)}\n` };

const TRACE_COLUMNS = TRACE_FIELDS.map(({ name, said }): CsvColumn => ({ name, text: said }));
const traceCsv: Form<Record<string, unknown>> = {
  header: csvHeader(TRACE_COLUMNS),
  linesOf: (trace) =>
    csvLine(
      TRACE_COLUMNS,
      TRACE_COLUMNS.map(({ name }) => trace[name]),
    ),
};

/** Is this line had already? Only lines of the group that the cursor names may be. */
function isHad({ after }: SummaryExport, { bucketMs, keys, line }: Position): boolean {
  return (
    after !== null && line <= after.line && bucketMs === after.bucketMs && keys.every((key, i) => key === after.keys[i])
  );
}

function summaryNdjson(asked: SummaryExport): Form<Group> {
  return {
    header: "",
    linesOf: (group) => {
      const position = { ...group, line: 0 };
      if (isHad(asked, position)) return "";
      return `${JSON.stringify({ ...rowOf(group, asked.query), cursor: asked.cursorOf(position) })}\n`;
    },
  };
}

function summaryCsv(asked: SummaryExport): Form<Group> {
  const { query } = asked;
  const columns: CsvColumn[] = [
    ...(query.interval === "none" ? [] : [{ name: "bucket", text: false }]),
    ...query.groupBy.map((name) => ({ name, text: true })),
    ...sumNames(query).map((name) => ({ name, text: false })),
    { name: "cursor", text: false },
  ];
  return {
    header: csvHeader(columns),
    linesOf: (group) => {
      const position = { ...group, line: 0 };
      if (isHad(asked, position)) return "";
      const row = flat({ ...rowOf(group, asked.query), cursor: asked.cursorOf(position) });
      return csvLine(
        columns,
        columns.map(({ name }) => row[name]),
      );
    },
  };
}

const LATENCIES = ["mean", "p50", "p90", "p95", "p99", "max"];

/** The columns of a row's sums, as they are of a row without any call. */
function sumNames(query: SummaryQuery): string[] {
  const nothing = show({ sums: noSums(measuresFor(query)), latency: null }, query);
  return Object.keys(nothing).flatMap((name) => {
    if (name === "latency_ms") return LATENCIES.map((latency) => `${name}.${latency}`);
    if (name !== "buckets") return [name];
    return BUCKETS.flatMap((bucket) => [`${name}.${bucket}.quantity`, `${name}.${bucket}.cost_usd`]);
  });
}

/** `{a: {b: 1}}` as `{"a.b": 1}`. */
function flat(row: object, prefix = ""): Record<string, unknown> {
  const cells: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(row)) {
    if (typeof value === "object" && value !== null) Object.assign(cells, flat(value as object, `${prefix}${name}.`));
    else cells[prefix + name] = value;
  }
  return cells;
}

function focusCsv(asked: SummaryExport, projectId: string): Form<Group> {
  const { query } = asked;
  const columns = focusColumns(query.groupBy);
  const withCursor: CsvColumn[] = [...columns, { name: "x_Cursor", text: false }];
  let period = { bucketMs: Number.NaN } as ChargePeriod & { bucketMs: number };
  return {
    header: csvHeader(withCursor),
    linesOf: (group) => {
      const { bucketMs, keys, sums } = group;
      if (period.bucketMs !== bucketMs) period = { bucketMs, ...periodOf(query, bucketMs) };
      const charged = { projectId, period, keys: new Map(query.groupBy.map((key, i) => [key, keys[i] ?? null])) };
      let lines = "";
      for (const [line, charge] of chargesOf((name) => sums[name]!).entries()) {
        const position = { bucketMs, keys, line };
        if (isHad(asked, position)) continue;
        lines += csvLine(withCursor, [...columns.map(({ of }) => of(charge, charged)), asked.cursorOf(position)]);
      }
      return lines;
    },
  };
}

/** A day or hour as far as it lies in the range, and its calendar month, all in the zone. */
function periodOf({ fromMs, toMs, interval, zone }: SummaryQuery, bucketMs: number): ChargePeriod {
  const monthFromMs = bucketStart(zone, "month", bucketMs);
  return {
    fromMs: Math.max(bucketMs, fromMs),
    toMs: Math.min(nextBucket(zone, interval === "hour" ? "hour" : "day", bucketMs), toMs),
    monthFromMs,
    monthToMs: nextBucket(zone, "month", monthFromMs),
  };
}
