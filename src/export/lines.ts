/** Writes an export as text, page by page. */
import { SUMMED_COUNTS, MEASURES } from "../ledger/measures.ts";
import type { Database } from "../db/client.ts";
import { BUCKETS } from "../ledger/buckets.ts";
import { LATENCY_NAMES } from "../rollup/latency.ts";
import type { Group } from "../summary/group.ts";
import type { SummaryQuery } from "../summary/query.ts";
import { measuresFor, noSums } from "../summary/measured.ts";
import { rowOf, show, type Sums } from "../summary/shown.ts";
import { intervalStart, nextInterval } from "../summary/zone.ts";
import type { CallAsJson } from "../traces/read.ts";
import { TRACE_FIELDS } from "../traces/shown.ts";
import { type CsvColumn, csvHeader, csvLine } from "./csv.ts";
import type { Position } from "./cursor.ts";
import { chargesOf, type ChargePeriod, focusColumns } from "./focus.ts";
import { ahead, forGroups, forTraces, learn, type PageSize } from "./paging.ts";
import type { ExportQuery, SummaryExport } from "./query.ts";
import { groupPages } from "./summary.ts";
import { callPages } from "./traces.ts";

const MAX_GROUPS = 8_000;
/** The limit if each group takes a kilobyte or two of the database's answer. */
const MAX_WIDE_GROUPS = 3_000;

/**
 * Gives chunks of whole lines; some are empty. It reads one page ahead of the calls that it gives, and no groups ahead.
 */
export function exportLines(db: Database, projectId: string, asked: ExportQuery): AsyncGenerator<string, void> {
  if (asked.type === "traces") {
    const size = forTraces();
    const form = asked.format === "csv" ? traceCsv : traceNdjson;
    return chunks(form, ahead(callPages(db, projectId, asked.query, size)), size);
  }
  const { query, format, after } = asked;
  const focus = format === "focus";
  const size = forGroups(focus || query.include.length > 0 ? MAX_WIDE_GROUPS : MAX_GROUPS);
  const measures = focus ? CHARGED : measuresFor(query);
  const pages = groupPages(db, { projectId, query, measures, split: focus, from: after }, size);
  const form = { ndjson: summaryNdjson, csv: summaryCsv, focus: focusCsv }[format](asked, projectId);
  return chunks(form, pages, size);
}

/** The measures that `chargesOf` asks for, and what others say. */
const CHARGED_NAMES: ReadonlySet<string> = new Set([
  "requests",
  "unpriced_requests",
  "reported_cost_pico",
  "reported_requests",
  ...SUMMED_COUNTS,
  ...BUCKETS.map((bucket) => `cost_${bucket}_pico`),
]);
const CHARGED = MEASURES.filter(({ name }) => CHARGED_NAMES.has(name));

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
    // An empty chunk is given too, because a reader may leave between two pages.
    yield chunk;
    chunk = "";
  }
  // A range without pages still has the header.
  yield chunk;
}

const traceNdjson: Form<CallAsJson> = { header: "", linesOf: ({ json }) => `${json}\n` };

const TRACE_COLUMNS = TRACE_FIELDS.map(({ name, theirs }): CsvColumn => ({ name, text: theirs }));
const traceCsv: Form<CallAsJson> = {
  header: csvHeader(TRACE_COLUMNS),
  linesOf: ({ json }) => csvLine(TRACE_COLUMNS, Object.values(JSON.parse(json) as object)),
};

/**
 * Does the caller have this line? Pages begin with the group of the cursor, so only lines of that group may be known.
 */
function isHad({ after }: SummaryExport, { intervalMs, keys, line }: Position): boolean {
  return (
    after !== null &&
    line <= after.line &&
    intervalMs === after.intervalMs &&
    keys.every((key, i) => key === after.keys[i])
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

/** The members of a row's sums that have members themselves. Exports have no `previous`. */
type Nested = Exclude<{ [N in keyof Sums]-?: NonNullable<Sums[N]> extends object ? N : never }[keyof Sums], "previous">;
const MEMBERS: Readonly<Record<Nested, readonly string[]>> = {
  latency_ms: LATENCY_NAMES,
  buckets: BUCKETS.flatMap((bucket) => [`${bucket}.quantity`, `${bucket}.cost_usd`]),
};

/** The columns of a row's sums. A row without calls has all of them. */
function sumNames(query: SummaryQuery): string[] {
  const nothing = show({ sums: noSums(measuresFor(query)), latency: null }, query);
  return Object.keys(nothing).flatMap((name) =>
    Object.hasOwn(MEMBERS, name) ? MEMBERS[name as Nested].map((member) => `${name}.${member}`) : [name],
  );
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
  let period = { intervalMs: Number.NaN } as ChargePeriod & { intervalMs: number };
  return {
    header: csvHeader(withCursor),
    linesOf: (group) => {
      const { intervalMs, keys, sums } = group;
      if (period.intervalMs !== intervalMs) period = { intervalMs, ...periodOf(query, intervalMs) };
      const charged = { projectId, period, keys: new Map(query.groupBy.map((key, i) => [key, keys[i] ?? null])) };
      const reported = { costPico: sums["reported_cost_pico"]!, requests: sums["reported_requests"]! };
      let lines = "";
      for (const [line, charge] of chargesOf((name) => sums[name]!).entries()) {
        const position = { intervalMs, keys, line };
        if (isHad(asked, position)) continue;
        const of = { ...charged, reported: line === 0 ? reported : null };
        lines += csvLine(withCursor, [...columns.map((column) => column.of(charge, of)), asked.cursorOf(position)]);
      }
      return lines;
    },
  };
}

/** The part of a day or hour that lies in the range, and its calendar month, all in the zone. */
function periodOf({ fromMs, toMs, interval, zone }: SummaryQuery, intervalMs: number): ChargePeriod {
  const monthFromMs = intervalStart(zone, "month", intervalMs);
  return {
    fromMs: Math.max(intervalMs, fromMs),
    toMs: Math.min(nextInterval(zone, interval === "hour" ? "hour" : "day", intervalMs), toMs),
    monthFromMs,
    monthToMs: nextInterval(zone, "month", monthFromMs),
  };
}
