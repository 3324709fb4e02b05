/**
 * What is promised of plans, a line for each statement. It holds for a ledger of any age, whatever Postgres knows of its
 * tables: no plan handles more rows in a full ledger than in a new one, but where the answer is made of more.
 *
 * `by` says how a statement may come to rows of the tables that grow: `rollup: level project_id label` is a search of an
 * index, or of several, bounded by these columns at least. `most` is the most rows that one node of the plan may handle,
 * in all its loops: rows that it reads, returns, or compares in vain. So a nested loop over groups or histograms breaks
 * it. The numbers leave room for half as much again as was seen.
 */
import type { Seen } from "./plans-scenario.ts";
import { type Path, readingOf } from "./plan-reading.ts";

interface Promised {
  /** The action, and where it runs several statements, what is in the text of this one. */
  of: readonly [action: RegExp, text?: RegExp];
  by: readonly string[];
  most: number;
}

const SLICE = "rollup: level project_id label";
const CTID = "rollup: ctid";
const CALL = "traces: project_id id";
const TRACE = "traces: project_id trace_id";
/** Few rows of the project may be read together. A full ledger has more than `most`. */
const RESPONSE = "responses: project_id";
const SPAN = "spans: project_id trace_id";

export const PROMISED: readonly Promised[] = [
  // 1,000 calls, or 200 of traces.
  { of: [/^write/, /insert into traces/], by: [], most: 2_000 },
  // 100 calls.
  { of: [/^write again/], by: [CALL], most: 300 },
  // Postgres 15 may read all calls of the days around instead of looking 200 up, where these are few.
  { of: [/^write/], by: [CALL, TRACE, RESPONSE, SPAN], most: 10_000 },
  // One look-up for each project. Of its unspread rows 20,000 are counted at most.
  { of: [/^merge/, /as are_many/], by: ["rollup: level", SLICE], most: 8_000 },
  { of: [/^merge/, /with recursive found/], by: ["rollup: level"], most: 20 },
  // The main rows of two batches of 1,000 calls, then those of one.
  { of: [/^merge/, /moved as [^]* limit \$/], by: ["rollup: level project_id", CTID], most: 30_000 },
  // 4,000 unspread rows, then with three labels each.
  { of: [/^merge/, /string_agg\(u\.ctid/], by: [SLICE], most: 6_000 },
  { of: [/^merge/, /moved as [^]*::tid\[\]/], by: [SLICE, CTID], most: 30_000 },
  { of: [/^merge/, /insert into crowded_labels/], by: [SLICE], most: 6_000 },
  // All fresh rows are counted. Then those of slices are taken.
  { of: [/^merge/, /as family, f\.bucket/], by: ["rollup: level"], most: 20_000 },
  { of: [/^merge/, /with taken as/], by: [SLICE, CTID], most: 20_000 },
  // Rows of 90 days; but `by_model_hour_7`, `by_model_hour_30` and `by_user`.
  { of: [/^totals/], by: [SLICE], most: 5_000 },
  { of: [/^by_application/], by: [SLICE], most: 12_000 },
  { of: [/^by_model$/], by: [SLICE], most: 5_000 },
  { of: [/^fine$/], by: [SLICE], most: 13_000 },
  { of: [/^by_model_day/], by: [SLICE], most: 5_000 },
  { of: [/^by_model_hour_7/], by: [SLICE], most: 2_000 },
  { of: [/^by_model_hour_30/], by: [SLICE], most: 3_000 },
  { of: [/^by_model_latency/], by: [SLICE], most: 28_000 },
  { of: [/^berlin/], by: [SLICE], most: 15_000 },
  { of: [/^ragged/], by: [SLICE, CALL], most: 14_000 },
  // As many groups as calls nearly, each with a histogram.
  { of: [/^fine_day_latency/], by: [SLICE], most: 40_000 },
  { of: [/^by_user/], by: [SLICE], most: 40_000 },
  { of: [/^by_tag_day/], by: [SLICE], most: 40_000 },
  { of: [/^one_user/], by: [SLICE], most: 8_000 },
];

/** What is bounded by the number of projects, models or partitions, or is one row. */
const SMALL = new Set([
  "pg_extension",
  "retention",
  "prices",
  "projects",
  "crowded_labels",
  "days_to_repair",
  "held_wrappers",
]);

export function brokenBy(seen: readonly Seen[]): string[] {
  return seen.flatMap(({ ledger, action, text, plan }) => {
    const name = `${ledger}, ${action}: ${text.replaceAll(/\s+/g, " ").trim().slice(0, 60)}`;
    const promised = PROMISED.find(
      ({ of: [ofAction, ofText] }) => ofAction.test(action) && (ofText?.test(text) ?? true),
    );
    if (!promised) return [`${name}: nothing is promised of it`];
    const { paths, most, node } = readingOf(plan);
    const others = paths.filter((path) => !SMALL.has(path.table) && !promised.by.some((by) => isBy(path, by)));
    return [
      ...others.map(({ table, columns, rows }) => `${name}: ${rows} rows of ${table} by (${columns.join(" ")})`),
      ...(most > promised.most ? [`${name}: ${most} rows in ${node}, more than ${promised.most}`] : []),
    ];
  });
}

function isBy({ table, columns }: Path, by: string): boolean {
  const [of, bounds = ""] = by.split(": ");
  return table === of && bounds.split(" ").every((column) => columns.includes(column));
}
