/**
 * Writes a batch in one transaction: first the INSERT of its calls (`insert.ts`), then the statements that settle their
 * traces (`settle.ts`). A batch that is too large for one statement is written in halves.
 */
import { type Bound, type Database, Expired, Refused, type Row, StatementTooLarge } from "../db/client.ts";
import { DEFAULT_GRACE_SECONDS, type Link } from "../ledger/call.ts";
import { type PricedCall, sentValues } from "./columns.ts";
import { conflicting, INSERT_CALLS } from "./insert.ts";
import { priceValues } from "./price-rows.ts";
import { earlier, earliestOf, retryRefused } from "./retry.ts";
import { type Settling, settling } from "./settle.ts";

/** Priced calls of one project, and the links between them. */
export interface Batch {
  calls: readonly PricedCall[];
  links: readonly Link[];
}

/** The outcome of one call. `writeBatch` says when each applies. */
export type Outcome = "inserted" | "duplicate" | "conflict" | "expired";

export interface Written {
  outcomes: Outcome[];
  /** The start of the earliest stored call that settling changed, epoch ms. Null if it changed none. */
  earliestMs: number | null;
  /** How many main partial rows were added. Readers read each of them until it is merged. */
  partials: number;
}

export interface WriteOptions {
  links?: readonly Link[];
  /** How long a wrapper waits for calls below it. */
  graceSeconds?: number;
}

/** The most text that one statement carries, so that its bytes stay below the 10 MB that Neon accepts. */
const MAX_STATEMENT_CHARS = 3_000_000;

/**
 * Stores priced calls of one project, each exactly once. If several have one identity, the first is stored. The others
 * are duplicates, or conflicts if their content differs from the stored call. A call that begins before the retention
 * bound is expired: the ledger cannot know any more whether it was stored before.
 *
 * @throws DatabaseUnavailable if it is not known whether the batch is stored. Sending it again is safe.
 */
export async function writeBatch(
  db: Database,
  projectId: string,
  batch: readonly PricedCall[],
  options: WriteOptions = {},
): Promise<Written> {
  const { links = [], graceSeconds = DEFAULT_GRACE_SECONDS } = options;
  if (batch.length === 0 && links.length === 0) return { outcomes: [], earliestMs: null, partials: 0 };
  try {
    return await writeKept(db, projectId, batch, links, graceSeconds);
  } catch (error) {
    if (!(error instanceof Expired) || error.what !== "raw") throw error;
    const { sinceMs } = error;
    const kept = batch.filter(({ call }) => call.startedAtMs >= sinceMs);
    const keptLinks = links.filter(({ startedAtMs }) => startedAtMs >= sinceMs);
    if (kept.length + keptLinks.length === batch.length + links.length) throw error;
    const written = await writeBatch(db, projectId, kept, { ...options, links: keptLinks });
    const next = written.outcomes.values();
    const all = batch.map(({ call }) => (call.startedAtMs < sinceMs ? "expired" : next.next().value!));
    return { ...written, outcomes: all };
  }
}

/** @throws Expired if a call or link begins before the retention bound. Nothing is stored then. */
async function writeKept(
  db: Database,
  projectId: string,
  batch: readonly PricedCall[],
  links: readonly Link[],
  graceSeconds: number,
): Promise<Written> {
  const options = { links, graceSeconds };
  const unique = inKeyOrder(batch);
  const rest = settling(projectId, unique, links, graceSeconds);
  const params = [...priceValues(unique.map(({ cost }) => cost.price)), ...sentValues(unique)];
  const write: Bound = { statement: INSERT_CALLS, values: [projectId, ...params, batch.length] };
  const parts = batch.length + links.length;
  // The statements that settle the batch repeat its users and tags.
  const repeated = rest === null ? 0 : sizeOfLabels(batch, links);
  if (parts > 1 && size(params) + repeated > MAX_STATEMENT_CHARS)
    return await writeHalves(db, projectId, batch, options);

  let results: Row[][];
  try {
    results = await writeAndSettle(db, batch.length > 0 ? [write] : [], rest);
  } catch (error) {
    // The limit above counts characters, and some take several bytes.
    if (error instanceof StatementTooLarge && parts > 1) return await writeHalves(db, projectId, batch, options);
    throw error;
  }
  const earliestMs = earliestOf(results);
  if (batch.length === 0) return { outcomes: [], earliestMs, partials: 0 };
  const [row] = results[0]!;
  const partials = Number(row!["partials"]);
  if (row!["inserted"] === batch.length) return { outcomes: batch.map(() => "inserted"), earliestMs, partials };

  const inserted = new Set((row!["ids"] ?? []) as string[]);
  const outcomes = batch.map(({ call }): Outcome => (inserted.delete(call.id) ? "inserted" : "duplicate"));
  const again = [...batch.keys()].filter((position) => outcomes[position] === "duplicate");
  const sentAgain = again.map((position) => batch[position]!);
  for (const at of await conflicting(db, projectId, sentAgain)) outcomes[again[at]!] = "conflict";
  return { outcomes, earliestMs, partials };
}

/**
 * Writes and settles in one transaction, trying the cheapest way first: the check alone, then settling, then leaving
 * the settling to cron.
 */
async function writeAndSettle(db: Database, write: Bound[], rest: Settling | null): Promise<Row[][]> {
  if (rest === null) return [await db.run(write[0]!.statement, write[0]!.values)];
  try {
    if (rest.check) return (await db.batch([...rest.ask, ...write, ...rest.check])).slice(rest.ask.length);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
  }
  try {
    return await retryRefused(db, async () => [...write, ...(await rest.settle(db))]);
  } catch (error) {
    if (!(error instanceof Refused || error instanceof StatementTooLarge)) throw error;
  }
  return await db.batch([...write, ...rest.defer()]);
}

async function writeHalves(
  db: Database,
  projectId: string,
  batch: readonly PricedCall[],
  options: WriteOptions,
): Promise<Written> {
  const { links = [], ...rest } = options;
  if (batch.length === 1 && links.length === 1) {
    const first = await writeBatch(db, projectId, [], options);
    const last = await writeBatch(db, projectId, batch, rest);
    return both(first, last);
  }
  const halves = <T>(all: readonly T[]): [T[], T[]] => [
    all.slice(0, Math.ceil(all.length / 2)),
    all.slice(Math.ceil(all.length / 2)),
  ];
  const [firstCalls, lastCalls] = halves(batch);
  const [firstLinks, lastLinks] = halves(links);
  const first = await writeBatch(db, projectId, firstCalls, { ...rest, links: firstLinks });
  const last = await writeBatch(db, projectId, lastCalls, { ...rest, links: lastLinks });
  return both(first, last);
}

function both(first: Written, last: Written): Written {
  return {
    outcomes: [...first.outcomes, ...last.outcomes],
    earliestMs: earlier(first.earliestMs, last.earliestMs),
    partials: first.partials + last.partials,
  };
}

function size(values: readonly unknown[]): number {
  return values.reduce<number>((sum, value) => sum + (typeof value === "string" ? value.length : 0), 0);
}

function sizeOfLabels(batch: readonly PricedCall[], links: readonly Link[]): number {
  const labelled = [...batch.map(({ call }) => call), ...links];
  return labelled.reduce((sum, { userId, tags }) => {
    let chars = 200 + (userId?.length ?? 0);
    for (const key in tags) chars += key.length + tags[key]!.length;
    return sum + chars;
  }, 0);
}

/**
 * Sorts calls by key and keeps the first of each key. In this order two writes of the same calls wait for each other
 * instead of deadlocking.
 */
function inKeyOrder(batch: readonly PricedCall[]): PricedCall[] {
  // Keys begin with the start, and numbers are compared faster.
  const sorted = batch.toSorted(
    ({ call: a }, { call: b }) => a.startedAtMs - b.startedAtMs || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0),
  );
  return sorted.filter(({ call }, i) => i === 0 || call.id !== sorted[i - 1]!.call.id);
}
