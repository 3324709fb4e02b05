/**
 * The write: one statement stores traces and their rollup partials, so that a retry, a duplicate
 * or a kill can never leave one without the other. Partials derive from the rows that the insert
 * returned; a trace that was there already adds nothing.
 */
import { sql, type SQL } from "drizzle-orm";
import { type Bound, compile, type Database, Expired, Refused, type Row, StatementTooLarge } from "../db/client.ts";
import { asRoutine } from "../db/routine.ts";
import { PRICE_CTES, PRICE_PARAMS, priceValues } from "../db/price-rows.ts";
import { insertLabelPartials, insertMainPartials, ROLLED_UP } from "../rollup/derive.ts";
import { rawSinceMs, rowKept } from "../retention/kept.ts";
import { columns, list } from "../rollup/measures.ts";
import {
  type Column,
  columnLiteral,
  columnParam,
  COLUMNS,
  differs,
  SENT_COLUMNS,
  type PricedTrace,
  sentValue,
} from "./columns.ts";
import { type Settling, settling } from "./settle.ts";
import { DEFAULT_GRACE_SECONDS, type Link } from "./trace.ts";

export type { PricedTrace } from "./columns.ts";

/** What became of each trace passed in, by position. */
export type Outcome = "inserted" | "duplicate" | "conflict" | "expired";

export interface Written {
  outcomes: Outcome[];
  /** Start of the earliest stored trace that counts otherwise now, epoch ms; null when there is none. */
  earliestMs: number | null;
  /** How many main partial rows were added, which readers read until they are merged. */
  partials: number;
}

export interface WriteOptions {
  /** Spans around the traces. */
  links?: readonly Link[];
  /** How long a wrapper waits for calls below it. */
  graceSeconds?: number;
}

const namesOf = (all: readonly Column[]) => columns(all.map(({ name }) => name));

/** The new traces with the prices that came along: those in the table are not visible to their own statement. */
const INSERTED = sql`inserted t left join price p on p.id = t.price_id`;

const WRITE_PARAMS = ["project", ...PRICE_PARAMS, ...SENT_COLUMNS.map(({ name }) => name), "sent"];
const WRITE = asRoutine(
  compile(
    sql`
with batch as (select ${sql.placeholder("project")}::uuid as project_id, ${rawSinceMs} as since_ms),${PRICE_CTES},
inserted as (
  insert into traces (project_id, ${namesOf(COLUMNS)})
  select batch.project_id, ${list(COLUMNS.map(sentValue))}
  from batch, unnest(${list(SENT_COLUMNS.map(columnParam))}) as i (${namesOf(SENT_COLUMNS)})
  where ${rowKept(sql`i.started_at`, sql`batch.since_ms`)}
  on conflict do nothing
  returning id, ${columns(ROLLED_UP)}
),
main_partials as (${insertMainPartials(INSERTED)} returning 1),
label_partials as (${insertLabelPartials(INSERTED)})
select count(*)::int as inserted, (select count(*)::int from main_partials) as partials, case when count(*) < ${sql.placeholder("sent")}::int then array_agg(id) end as ids from inserted`.inlineParams(),
    WRITE_PARAMS,
  ),
  "write",
  WRITE_PARAMS.length,
  "inserted int, partials int, ids uuid[]",
);
/** Those that are functions of the database, too. */
export const ROUTINES = [WRITE];

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
where ${sql.join(SAID.map(differs), sql` or `)}
order by 1`,
  ["project", "id", ...SAID.map(({ name }) => name)],
);

/** A statement carries at most this much, so that its bytes stay under the 10 MB that Neon takes. */
const MAX_STATEMENT_CHARS = 3_000_000;

/**
 * Stores priced traces of one project, each exactly once. Of several with one identity the first is stored; the
 * others are duplicates, and conflicts where they say something else than what is stored. What begins before calls are
 * kept is expired: nobody could tell whether it was stored before.
 *
 * @throws DatabaseUnavailable when it is not known to be stored; sending again is safe.
 */
export async function writeTraces(
  db: Database,
  projectId: string,
  batch: readonly PricedTrace[],
  options: WriteOptions = {},
): Promise<Written> {
  const { links = [], graceSeconds = DEFAULT_GRACE_SECONDS } = options;
  if (batch.length === 0 && links.length === 0) return { outcomes: [], earliestMs: null, partials: 0 };
  try {
    return await writeKept(db, projectId, batch, links, graceSeconds);
  } catch (error) {
    if (!(error instanceof Expired)) throw error;
    const { sinceMs } = error;
    const kept = batch.filter(({ trace }) => trace.startedAtMs >= sinceMs);
    const keptLinks = links.filter(({ startedAtMs }) => startedAtMs >= sinceMs);
    if (kept.length + keptLinks.length === batch.length + links.length) throw error;
    const written = await writeTraces(db, projectId, kept, { ...options, links: keptLinks });
    const next = written.outcomes.values();
    const all = batch.map(({ trace }) => (trace.startedAtMs < sinceMs ? "expired" : next.next().value!));
    return { ...written, outcomes: all };
  }
}

/** @throws Expired when some of it begins before calls are kept; nothing is stored then. */
async function writeKept(
  db: Database,
  projectId: string,
  batch: readonly PricedTrace[],
  links: readonly Link[],
  graceSeconds: number,
): Promise<Written> {
  const options = { links, graceSeconds };
  const unique = inKeyOrder(batch);
  const rest = settling(projectId, unique, links, graceSeconds);
  const params = [
    ...priceValues(unique.map(({ cost }) => cost.price)),
    ...SENT_COLUMNS.map((column) => columnLiteral(column, unique)),
  ];
  const write: Bound = { statement: WRITE, values: [projectId, ...params, batch.length] };
  const parts = batch.length + links.length;
  // What settles it repeats users and tags.
  const settledAgain = rest === null ? 0 : sizeOfLabels(batch, links);
  if (parts > 1 && size(params) + settledAgain > MAX_STATEMENT_CHARS)
    return await writeHalves(db, projectId, batch, options);

  let results: Row[][];
  try {
    results = await writeAndSettle(db, batch.length > 0 ? [write] : [], rest);
  } catch (error) {
    // Some characters take many bytes.
    if (error instanceof StatementTooLarge && parts > 1) return await writeHalves(db, projectId, batch, options);
    throw error;
  }
  const earliestMs = earliestOf(results);
  if (batch.length === 0) return { outcomes: [], earliestMs, partials: 0 };
  const [row] = results[0]!;
  const partials = Number(row!["partials"]);
  if (row!["inserted"] === batch.length) return { outcomes: batch.map(() => "inserted"), earliestMs, partials };

  const inserted = new Set((row!["ids"] ?? []) as string[]);
  const outcomes = batch.map(({ trace }): Outcome => (inserted.delete(trace.id) ? "inserted" : "duplicate"));
  const again = [...batch.keys()].filter((position) => outcomes[position] === "duplicate");
  const sentAgain = again.map((position) => batch[position]!);
  for (const at of await conflicting(db, projectId, sentAgain)) outcomes[again[at]!] = "conflict";
  return { outcomes, earliestMs, partials };
}

/** How often spans may come in between until settling is given up. */
const MOST_TRIES = 5;

async function writeAndSettle(db: Database, write: Bound[], rest: Settling | null): Promise<Row[][]> {
  if (rest === null) return [await db.run(write[0]!.statement, write[0]!.values)];
  try {
    if (rest.check) return await db.batch([...write, ...rest.check]);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
  }
  try {
    return await settled(db, async () => [...write, ...(await rest.settle(db))]);
  } catch (error) {
    if (!(error instanceof Refused || error instanceof StatementTooLarge)) throw error;
  }
  return await db.batch([...write, ...rest.defer()]);
}

/**
 * Runs what `prepare` makes of the spans that are stored, and again with those that came meanwhile.
 *
 * @throws Refused when more come each time.
 */
export async function settled(db: Database, prepare: () => Promise<(SQL | Bound)[]>): Promise<Row[][]> {
  for (let tries = 1; ; tries++) {
    const statements = await prepare();
    try {
      return await db.batch(statements);
    } catch (error) {
      if (!(error instanceof Refused) || tries === MOST_TRIES) throw error;
      await new Promise((resolve) => setTimeout(resolve, 10 * 2 ** tries * Math.random()));
    }
  }
}

async function writeHalves(
  db: Database,
  projectId: string,
  batch: readonly PricedTrace[],
  options: WriteOptions,
): Promise<Written> {
  const { links = [], ...rest } = options;
  if (batch.length === 1 && links.length === 1) {
    const first = await writeTraces(db, projectId, [], options);
    const last = await writeTraces(db, projectId, batch, rest);
    return both(first, last);
  }
  const halves = <T>(all: readonly T[]): [T[], T[]] => [
    all.slice(0, Math.ceil(all.length / 2)),
    all.slice(Math.ceil(all.length / 2)),
  ];
  const [firstTraces, lastTraces] = halves(batch);
  const [firstLinks, lastLinks] = halves(links);
  const first = await writeTraces(db, projectId, firstTraces, { ...rest, links: firstLinks });
  const last = await writeTraces(db, projectId, lastTraces, { ...rest, links: lastLinks });
  return both(first, last);
}

function both(first: Written, last: Written): Written {
  return {
    outcomes: [...first.outcomes, ...last.outcomes],
    earliestMs: earlier(first.earliestMs, last.earliestMs),
    partials: first.partials + last.partials,
  };
}

/** The earliest trace that any of the statements changed. */
export function earliestOf(results: readonly Row[][]): number | null {
  return results
    .flat()
    .reduce<number | null>((found, row) => earlier(found, (row["earliest_ms"] ?? null) as number | null), null);
}

function earlier(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : Math.min(a, b);
}

function size(values: readonly unknown[]): number {
  return values.reduce<number>((sum, value) => sum + (typeof value === "string" ? value.length : 0), 0);
}

function sizeOfLabels(batch: readonly PricedTrace[], links: readonly Link[]): number {
  const labelled = [...batch.map(({ trace }) => trace), ...links];
  return labelled.reduce((sum, { userId, tags }) => {
    let chars = 200 + (userId?.length ?? 0);
    for (const key in tags) chars += key.length + tags[key]!.length;
    return sum + chars;
  }, 0);
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
