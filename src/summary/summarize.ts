/** One summary: rollup rows for whole hours, days and weeks, calls for ragged edges, in one statement per period. */
import { rowsOf, show, Summary } from "./shown.ts";
import type { Measure } from "../ledger/measures.ts";
import { type Bound, type Database, Expired, type Row, StatementTooLarge } from "../db/client.ts";
import { render } from "../db/render.ts";
import { answerTooLarge, ApiError } from "../errors.ts";
import { NOT_ROLLED_UP, OTHER } from "../rollup/families.ts";
import { formatInstant } from "../time.ts";
import { foldedTo, type Group, inOrder, paired, totalOf, withRest } from "./group.ts";
import { measuresAndSavings, noSums } from "./measured.ts";
import { mayMiss } from "./missed.ts";
import { readWindows } from "./parts.ts";
import { isLabel, type Period, type SummaryQuery } from "./query.ts";
import { familyOf, hasRest, type Kept, summaryStatement } from "./statement.ts";
import { edgeAt, MAX_INTERVALS, windowsOf } from "./windows.ts";

const MAX_ROWS = 10_000;
/** Maximum number of groups that a question with a limit may read, where the database does not fold them to the limit. */
const MAX_READ = 40_000;

/** Compiles a statement of a query, or remembers it by what it depends on beside the query. */
export type Compile = (dependsOn: string, compile: () => Bound) => Bound;

/**
 * Sums up a project's calls. Counts are numbers; money is in USD as decimal strings.
 *
 * @param nowMs the answer's `as_of`.
 * @param compile may remember the statements of this query.
 * @throws ApiError `too_many_rows` past 10,000 rows or intervals, or past 40,000 groups of a label with a limit.
 * @throws Expired if the range needs hour rows that have been deleted, or is only a part of an hour without its calls.
 */
export async function summarize(
  db: Database,
  projectId: string,
  query: SummaryQuery,
  nowMs: number,
  compile: Compile = (_, compiled) => compiled(),
): Promise<Summary> {
  const measures = measuresAndSavings(query);
  const [own, before] = await readPeriods(db, projectId, query, measures, compile);
  const all = before === null ? own.groups : paired(own, before, measures);
  const groups = query.limit === null ? all : foldedTo(query.limit, all, query, measures);
  if (groups.length > MAX_ROWS) throw tooManyRows(query);
  const total = totalOf(groups, measures);
  groups.sort(inOrder(query));
  const capped = own.capped || before?.capped;
  const approximate = own.approximate || before?.approximate;
  const missed = own.notRolledUp + (before?.notRolledUp ?? 0);
  return {
    from: formatInstant(query.fromMs),
    to: formatInstant(query.toMs),
    tz: query.zone.name,
    interval: query.interval,
    as_of: formatInstant(nowMs),
    ...(query.compare && {
      compare: { from: formatInstant(query.compare.fromMs), to: formatInstant(query.compare.toMs) },
    }),
    ...(capped && { capped }),
    ...(approximate && { approximate }),
    ...(missed > 0 && { not_rolled_up: { [familyOf(query)]: missed } }),
    totals: show(total, query),
    rows: rowsOf(groups, query),
  };
}

/**
 * The database folds the groups of dimensions to the limit. With two periods it does so if they have more groups than
 * can be read. Then the limit chooses among the groups of the question's own period.
 */
async function readPeriods(
  db: Database,
  projectId: string,
  query: SummaryQuery,
  measures: readonly Measure[],
  compile: Compile,
): Promise<[own: ReadPeriod, before: ReadPeriod | null]> {
  const read = async (period: Period, kept: Kept | null): Promise<ReadPeriod> =>
    await readPeriod(db, projectId, query, period, measures, kept, compile);
  const folds = query.limit !== null && query.groupBy.length > 0 && !query.groupBy.some(isLabel);
  if (!query.compare) return [await read(query, folds ? "first" : null), null];
  try {
    return await Promise.all([read(query, null), read(query.compare, null)]);
  } catch (error) {
    if (!folds || !(error instanceof ApiError)) throw error;
    const own = await read(query, "first");
    const kept = new Map(own.groups.map(({ keys }) => [JSON.stringify(keys), keys as string[]]));
    return [own, await read(query.compare, [...kept.values()])];
  }
}

/** The groups of one period. */
export interface ReadPeriod {
  groups: Group[];
  /** Starts of all intervals, ascending, including intervals without calls. */
  intervalStartsMs: number[];
  capped?: true;
  approximate?: true;
  /** The calls that have the tag of the question, but for which it is not rolled up. */
  notRolledUp: number;
}

async function readPeriod(
  db: Database,
  projectId: string,
  query: SummaryQuery,
  period: Period,
  measures: readonly Measure[],
  kept: Kept | null,
  compile: Compile,
): Promise<ReadPeriod> {
  try {
    return await readFrom(db, projectId, query, period, measures, kept, compile, 0);
  } catch (error) {
    if (!(error instanceof Expired) || error.what !== "raw") throw error;
    const { sinceMs } = error;
    if (edgeAt(period.fromMs, sinceMs) === edgeAt(period.toMs, sinceMs)) throw error;
    return {
      ...(await readFrom(db, projectId, query, period, measures, kept, compile, sinceMs)),
      approximate: true,
    };
  }
}

async function readFrom(
  db: Database,
  projectId: string,
  query: SummaryQuery,
  { fromMs, toMs }: Period,
  measures: readonly Measure[],
  kept: Kept | null,
  compile: Compile,
  rawSinceMs: number,
): Promise<ReadPeriod> {
  const windows = windowsOf(fromMs, toMs, query.interval, query.zone, rawSinceMs);
  if (!windows) throw tooMany(query, MAX_INTERVALS, "intervals", "interval");
  const intervalStartsMs = query.interval === "none" ? [] : [...new Set(windows.map(({ intervalMs }) => intervalMs))];
  const edgesMs = intervalStartsMs.map((ms) => edgeAt(ms, rawSinceMs));
  // If `hasRest`, each group may take two rows: one for a label's value, and one for all calls.
  const mostRows = query.limit === null ? 2 * MAX_ROWS + 1 : MAX_READ;
  const statement = compile(JSON.stringify([projectId, fromMs, toMs, kept, rawSinceMs]), () => {
    const options = { projectId, query, windows, intervalStartsMs: edgesMs, measures, maxRows: mostRows, kept };
    const { text, values } = render(summaryStatement(options));
    return { statement: { text }, values };
  });
  const found = await readWindows(db, statement, windows).catch((error: unknown) => {
    if (!(error instanceof StatementTooLarge)) throw error;
    throw answerTooLarge(`ask for ${coarserThan(query)}, or filter`, parameterOf(query));
  });
  const rows = found.filter((row) => row["interval_no"] !== null);
  if (rows.length === mostRows)
    throw query.limit === null ? tooManyRows(query) : tooMany(query, MAX_READ, "groups to choose from", "group_by");
  const read = rows.map((row) => readGroup(query, measures, intervalStartsMs, row));
  const groups = hasRest(query) ? withRest(read) : read;
  const label = query.groupBy.findIndex(isLabel);
  const capped = label >= 0 && groups.some(({ keys }) => keys[label] === OTHER);
  const notRolledUp = mayMiss(query) ? Number(found[0]!["not_rolled_up"]) : requestsOf(groups, label, NOT_ROLLED_UP);
  return { groups, intervalStartsMs, notRolledUp, ...(capped && { capped }) };
}

/** The calls of the groups with this key. */
function requestsOf(groups: readonly Group[], key: number, value: string): number {
  const theirs = key < 0 ? [] : groups.filter(({ keys }) => keys[key] === value);
  return theirs.reduce((sum, { sums }) => sum + Number(sums["requests"]), 0);
}

const COARSER = { none: null, hour: "day", day: "week", week: "month", month: null } as const;

function tooManyRows(query: SummaryQuery): ApiError {
  return tooMany(query, MAX_ROWS, "rows", parameterOf(query));
}

/** The parameter that makes rows. */
function parameterOf({ groupBy }: SummaryQuery): string {
  return groupBy.length > 0 ? "group_by" : "interval";
}

function tooMany(query: SummaryQuery, most: number, what: string, parameter: string): ApiError {
  const detail = `more than ${most.toLocaleString("en-US")} ${what}; ask for ${coarserThan(query)}`;
  return new ApiError("too_many_rows", detail, { parameter });
}

/** What to ask for instead, so that there are fewer rows. */
function coarserThan({ interval, groupBy }: SummaryQuery): string {
  const coarser = COARSER[interval];
  const instead = [
    ...(coarser === null ? [] : [`interval=${coarser}`]),
    ...(groupBy.length > 0 ? ["fewer groups"] : []),
    "a shorter range",
  ];
  return instead.join(", ").replace(/, (?=[^,]*$)/, " or ");
}

export function readGroup(
  query: SummaryQuery,
  measures: readonly Measure[],
  intervalStartsMs: readonly number[],
  row: Row,
): Group {
  const sums = noSums(measures);
  for (const name in sums) {
    const sum = row[name] as string | number;
    if (sum !== "0") sums[name] = BigInt(sum);
  }
  return {
    intervalMs: intervalStartsMs[Number(row["interval_no"]) - 1] ?? 0,
    keys: query.groupBy.map((key) => (isLabel(key) ? (row["value"] as string | null) : String(row[key]))),
    sums,
    latency: readLatency(row),
  };
}

function readLatency(row: Row): Group["latency"] {
  const bins = row["latency_buckets"] as number[] | null | undefined;
  if (!bins) return null;
  const counts = row["latency_counts"] as (string | number)[];
  return new Map(bins.map((bin, i) => [bin, Number(counts[i])]));
}
