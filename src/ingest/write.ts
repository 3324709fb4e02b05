/**
 * The write: one statement stores traces and their rollup partials, so that a retry, a duplicate
 * or a kill can never leave one without the other. Partials derive from the rows that the insert
 * returned; a trace that was there already adds nothing.
 */
import { sql } from "drizzle-orm";
import { compile, type Database, type Row, StatementTooLarge } from "../db/client.ts";
import { PRICE_CTES, PRICE_PARAMS, priceValues } from "../db/price-rows.ts";
import { insertLabelPartials, insertMainPartials } from "../rollup/derive.ts";
import { columns, list } from "../rollup/measures.ts";
import { columnLiteral, columnParam, COLUMNS, type PricedTrace, sentValue } from "./columns.ts";

export type { PricedTrace } from "./columns.ts";

/** What became of each trace passed in, by position. */
export type Outcome = "inserted" | "duplicate" | "conflict";

const names = columns(COLUMNS.map(({ name }) => name));

/** The new traces with the prices that came along: those in the table are not visible to their own statement. */
const INSERTED = sql`inserted t left join price p on p.id = t.price_id`;

const WRITE = compile(
  sql`
with batch as (select ${sql.placeholder("project")}::uuid as project_id),${PRICE_CTES},
inserted as (
  insert into traces (project_id, ${names})
  select batch.project_id, ${list(COLUMNS.map(sentValue))}
  from batch, unnest(${list(COLUMNS.map(columnParam))}) as i (${names})
  on conflict do nothing
  returning *
),
main_partials as (${insertMainPartials(INSERTED)}),
label_partials as (${insertLabelPartials(INSERTED)})
select count(*)::int as inserted, case when count(*) < ${sql.placeholder("sent")}::int then array_agg(id) end as ids from inserted`.inlineParams(),
  ["project", ...PRICE_PARAMS, ...COLUMNS.map(({ name }) => name), "sent"],
);

const SAID = COLUMNS.filter((column) => column.said);
const ID = COLUMNS.find(({ name }) => name === "id")!;

/** Which of the traces sent are stored with other content than was sent now? */
const CONFLICTS = compile(
  sql`
with batch as (select ${sql.placeholder("project")}::uuid as project_id)
select i.position::int - 1 as position
from batch
cross join unnest(${list([ID, ...SAID].map(columnParam))})
  with ordinality as i (id, ${columns(SAID.map(({ name }) => name))}, position)
join traces t on t.project_id = batch.project_id and t.id = i.id
where ${sql.join(
    SAID.map((column) => sql`t.${sql.identifier(column.name)} is distinct from ${sentValue(column)}`),
    sql` or `,
  )}
order by 1`,
  ["project", "id", ...SAID.map(({ name }) => name)],
);

/** A statement carries at most this much, so that its bytes stay under the 10 MB that Neon takes. */
const MAX_STATEMENT_CHARS = 3_000_000;

/**
 * Stores priced traces of one project, each exactly once. Of several with one identity the first is stored; the
 * others are duplicates, and conflicts where they say something else than what is stored.
 *
 * @throws DatabaseUnavailable when it is not known to be stored; sending again is safe.
 */
export async function writeTraces(db: Database, projectId: string, batch: readonly PricedTrace[]): Promise<Outcome[]> {
  if (batch.length === 0) return [];
  const unique = inKeyOrder(batch);
  const params = [
    ...priceValues(unique.map(({ cost }) => cost.price)),
    ...COLUMNS.map((column) => columnLiteral(column, unique)),
  ];
  const chars = params.reduce((sum, param) => sum + (param?.length ?? 0), 0);
  if (batch.length > 1 && chars > MAX_STATEMENT_CHARS) return await writeHalves(db, projectId, batch);

  let row: Row | undefined;
  try {
    [row] = await db.run(WRITE, [projectId, ...params, batch.length]);
  } catch (error) {
    // Some characters take many bytes.
    if (error instanceof StatementTooLarge && batch.length > 1) return await writeHalves(db, projectId, batch);
    throw error;
  }
  if (row!["inserted"] === batch.length) return batch.map(() => "inserted");

  const inserted = new Set((row!["ids"] ?? []) as string[]);
  const outcomes = batch.map(({ trace }): Outcome => (inserted.delete(trace.id) ? "inserted" : "duplicate"));
  const again = [...batch.keys()].filter((position) => outcomes[position] === "duplicate");
  const sentAgain = again.map((position) => batch[position]!);
  for (const at of await conflicting(db, projectId, sentAgain)) outcomes[again[at]!] = "conflict";
  return outcomes;
}

async function writeHalves(db: Database, projectId: string, batch: readonly PricedTrace[]): Promise<Outcome[]> {
  const half = Math.ceil(batch.length / 2);
  const first = await writeTraces(db, projectId, batch.slice(0, half));
  return [...first, ...(await writeTraces(db, projectId, batch.slice(half)))];
}

/** Positions of those whose stored content differs. */
async function conflicting(db: Database, projectId: string, batch: readonly PricedTrace[]): Promise<number[]> {
  const rows = await db.run(CONFLICTS, [projectId, ...[ID, ...SAID].map((column) => columnLiteral(column, batch))]);
  return rows.map(({ position }) => Number(position));
}

/**
 * Sorted by key, so that two writes of the same traces wait for each other instead of deadlocking; of several with
 * one key only the first.
 */
function inKeyOrder(batch: readonly PricedTrace[]): PricedTrace[] {
  const sorted = batch.toSorted((a, b) => (a.trace.id < b.trace.id ? -1 : a.trace.id > b.trace.id ? 1 : 0));
  return sorted.filter(({ trace }, i) => i === 0 || trace.id !== sorted[i - 1]!.trace.id);
}
