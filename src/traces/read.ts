/**
 * Stored calls as the API shows them: in pages, or one with its receipt. A question about calls that have been deleted
 * for their age ends with `Expired`.
 */
import { sql, type SQL } from "drizzle-orm";
import { z } from "zod";
import { compileEach, compileNamed, type Database } from "../db/client.ts";
import { asRoutine, isRecent } from "../db/routine.ts";
import { columns, list, param, project } from "../db/sql.ts";
import { BUCKETS } from "../ledger/buckets.ts";
import { usageBy } from "../ledger/call.ts";
import { keyRange, startOfKey } from "../ledger/key.ts";
import { type Catalogue, embeddedCatalogue } from "../pricing/catalogue.ts";
import { originOf } from "../pricing/origin.ts";
import { expectRaw, readRaw } from "../retention/kept.ts";
import { id } from "../wire.ts";
import { isSharedAmong } from "../write/sightings.ts";
import { type IdRange, inColumn, passing, shapeOf, valuesOf, within } from "./matching.ts";
import { cutPage, pageOf } from "./page.ts";
import type { TraceFilters, TracesQuery } from "./query.ts";
import { type AppliedPrice, Receipt, receiptOf } from "./receipt.ts";
import { Filled, readReports, Report } from "./reports.ts";
import { asShown, STORED_VALUES, ShownTrace } from "./shown.ts";

const LIST = compileEach((filters: TraceFilters) =>
  cutPage(selectTraces(filters, sql`desc`), "id", param("limit"), sql`octet_length(p.stored)`),
);
const OLDEST = compileEach((filters: TraceFilters) => selectTraces(filters, sql`asc`));

/** A page of calls, newest first, as the JSON of what `listTraces` gives. */
export async function listAsJson(db: Database, projectId: string, query: TracesQuery): Promise<string> {
  const [after, highest] = keyRange(query.fromMs, query.toMs);
  const before = query.cursor !== null && query.cursor < highest ? query.cursor : highest;
  const { limit } = query;
  const values = { ...valuesOf(projectId, query, { after, before }), limit, rows: limit + 1 };
  const rows = await readRaw(db, LIST(shapeOf(query), query, values), startOfKey(after));
  const { page, next_cursor } = pageOf(rows, "id");
  const calls = page.map((row) => asShown(row["stored"] as string));
  return `{"traces":[${calls.join()}],"next_cursor":${JSON.stringify(next_cursor)}}`;
}

/** A page of calls, newest first. On the last page `next_cursor` is null. */
export async function listTraces(
  db: Database,
  projectId: string,
  query: TracesQuery,
): Promise<{ traces: ShownTrace[]; next_cursor: string | null }> {
  return JSON.parse(await listAsJson(db, projectId, query)) as { traces: ShownTrace[]; next_cursor: string | null };
}

/** A call with its JSON, as it is sent. */
export interface CallAsJson {
  id: string;
  json: string;
}

/** The first calls of a range that the filters let through, oldest first. */
export async function readOldest(
  db: Database,
  projectId: string,
  filters: TraceFilters,
  range: IdRange,
  limit: number,
): Promise<CallAsJson[]> {
  const values = { ...valuesOf(projectId, filters, range), rows: limit };
  const rows = await readRaw(db, OLDEST(shapeOf(filters), filters, values), startOfKey(range.after));
  return rows.map((row) => ({ id: row["id"] as string, json: asShown(row["stored"] as string) }));
}

/**
 * Cuts a range after its first `count` calls: gives the ids before and after the cut, or null if the range has no more.
 */
export async function cutAfter(
  db: Database,
  projectId: string,
  range: IdRange,
  count: number,
): Promise<{ last: string; next: string } | null> {
  const [last, next] = await readRaw(
    db,
    CUT({ project: projectId, ...range, skipped: count - 1 }),
    startOfKey(range.after),
  );
  return last && next ? { last: String(last["id"]), next: String(next["id"]) } : null;
}

const CUT = compileNamed(
  sql`select t.id from traces t where ${within(param)} order by t.id offset ${param("skipped")} limit 2`,
);

/** The statement for the first calls of a range in this order: the id of each, and its JSON. */
function selectTraces(filters: TraceFilters, order: SQL): SQL {
  // `offset 0` makes Postgres walk the ids in order until the page is full. If it expects a filter to let few calls
  // through, it would otherwise read and sort the whole range. It expects that of all values that are newer than its
  // statistics. The outer order keeps a statement around this one from writing each JSON once more.
  const byTrace = filters.columns.trace_id ? sql` and ${inColumn("trace_id", param)}` : sql``;
  return sql`
    select c.id, row_to_json(c)::text as stored from (
      select ${STORED_VALUES} from (
        select t.* from traces t where ${within(param)}${byTrace} order by t.id ${order} offset 0
      ) t
      where ${passing(filters, param)} order by t.id ${order} limit ${param("rows")}
    ) c order by c.id ${order}`;
}

export const TraceWithReceipt = ShownTrace.extend({
  receipt: Receipt,
  counted_as: id.nullable().describe("The call that counts instead, if several reports of one call were stored."),
  reports: z
    .array(Report)
    .describe("All reports of the call, the one that counts first. Reports join by any id that they share."),
  filled: Filled,
});
export interface CallWithReceipt extends ShownTrace {
  receipt: Receipt;
  counted_as: string | null;
  reports: Report[];
  filled: Record<string, string>;
}

/** The price of the call is a list: whose it is, then the unit price of each bucket. */
const CALL = compileNamed(sql`
  select (select row_to_json(c) from (select ${STORED_VALUES}) c)::text as stored, t.rule, t.other_ids, t.usage_semantics,
    t.filled, coalesce(t.response_id, t.other_ids[1]) is not null
      and ${isSharedAmong(sql`t.response_id || coalesce(t.other_ids, '{}')`)} as is_shared,
    case when p.id is not null then to_json(array[${columns(["source", "version", "provider", "model"], "p")}, ${list(
      BUCKETS.map((bucket) => sql`p.${sql.identifier(`${bucket}_pico`)}::text`),
    )}]) end as price
  from traces t left join prices p on p.project_id = t.project_id and p.id = t.price_id
  where t.project_id = ${project} and t.id = ${param("id")}::uuid`);
const UNBOUND = CALL({});
/** Reads a call with its price. */
export const READ_CALL = asRoutine(
  UNBOUND.statement,
  "call",
  UNBOUND.values.length,
  "stored text, rule text, other_ids text[], usage_semantics text, filled jsonb, is_shared boolean, price json",
  `
  if ${isRecent("$2::uuid")} then
    return query ${UNBOUND.statement.text} and ${isRecent("t.id")};
    return;
  end if;`,
);

/**
 * One call with its receipt; null if the project has no call with that id.
 *
 * @param catalogue is the one in use. It knows how far its prices are to be trusted.
 */
export async function readCall(
  db: Database,
  projectId: string,
  id: string,
  catalogue: Catalogue = embeddedCatalogue,
): Promise<CallWithReceipt | null> {
  const [row] = await db.run(READ_CALL, CALL({ project: projectId, id }).values);
  if (!row) {
    await expectRaw(db, startOfKey(id));
    return null;
  }
  const call = JSON.parse(asShown(row["stored"] as string)) as ShownTrace;
  const usage = usageBy((name) => call[name] as number | null);
  const price = priceOf(row["price"] as (string | null)[] | null, call, catalogue);
  const receipt = receiptOf(usage, price, call["cost_usd"] as string | null, String(row["usage_semantics"]));
  const reports = await readReports(db, projectId, call, row);
  const best = reports[0]!.id;
  const filled = (row["filled"] ?? {}) as Record<string, string>;
  return { ...call, receipt, counted_as: best === id ? null : best, reports, filled };
}

function priceOf(listed: (string | null)[] | null, call: ShownTrace, catalogue: Catalogue): AppliedPrice | null {
  if (listed === null) return null;
  const [source, version, provider, model, ...unitPico] = listed;
  const of = { source: source!, version: version!, provider: provider!, model: model! };
  const endedAtMs = Date.parse(call["timestamp"] as string) + Number(call["duration_ms"] ?? 0);
  return { ...of, unitPico: unitPico.map(pico), origin: originOf(catalogue, of, endedAtMs) };
}

function pico(text: string | null): bigint | null {
  return text === null ? null : BigInt(text);
}
