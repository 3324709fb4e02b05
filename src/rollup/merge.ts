/**
 * Merging: partial rows become fresh rows of their hours and days, and main rows of their weeks too. A step makes one
 * row per group. At every instant, in every snapshot, this holds:
 *
 *   partial + hour rows = partial + day rows = partial + week rows = the calls.
 *
 * One statement takes rows out and puts their sums back. Rows that another merge has locked are left to it, so merges
 * may overlap, be killed, or not run for hours. A merge appends fresh rows without reading existing ones, because
 * reading them would cost many times as much. Once an hour, day or week has as many fresh as compacted rows, compacting
 * rewrites them.
 */
import { sql, type SQL } from "drizzle-orm";
import { plainArray, textArray } from "../db/array-literal.ts";
import type { Bound, Database, Row } from "../db/client.ts";
import {
  atOnce,
  byShard,
  compiledQuestion,
  type Everywhere,
  idsOf,
  isDistributed,
  type KnownNodes,
  throughFailures,
} from "../db/shards.ts";
import { LEVEL } from "../ledger/levels.ts";
import { compact } from "./compact.ts";
import { markCrowded } from "./crowded.ts";
import { UNSPREAD } from "./families.ts";
import { BY_HASH, BY_HASH_AND_PLACE } from "./grouped.ts";
import { startPacing, type Step, type Stepped } from "./pace.ts";
import { MERGE_MAIN, MERGE_OF, MERGE_SHARD } from "./merging.ts";

/**
 * Merges up to `limit` main partial rows of a project, which every question reads. Label partials cost many times as
 * much to merge, so cron merges them.
 *
 * @returns how many rows were merged.
 */
export async function mergeMain(db: Database, projectId: string, limit: number): Promise<number> {
  const [, [row] = []] = await db.batch([BY_HASH, MERGE_MAIN({ project: projectId, limit })]);
  return Number(row!["merged"]);
}

/**
 * One step: merges up to `limit` partial rows of every project, and adds the label days in them to `labelDays`.
 *
 * @returns how many rows were merged. If fewer than `limit`, only rows that other merges have locked are left.
 */
export async function mergeStep(
  db: Database,
  limit: number,
  labelDays = new Set<string>(),
  which: "all" | "main" = "all",
  all: Everywhere = atOnce(db),
): Promise<number> {
  const statement = (await statements(db))[which];
  let merged = 0;
  for (const projects of await byShard(db, await partialProjects(db, all))) {
    if (merged === limit) break;
    const values = { projects: plainArray(projects), limit: limit - merged };
    merged += (await all.orFailure(() => run(db, BY_HASH, statement(values), labelDays))) ?? 0;
  }
  return merged;
}

const statements = async (db: Database) => ((await isDistributed(db)) ? MERGE_SHARD : MERGE_OF);

async function run(db: Database, settings: Bound, statement: Bound, labelDays: Set<string>): Promise<number> {
  const [, [row] = []] = await db.batch([settings, statement]);
  for (const day of (row!["label_days"] ?? []) as unknown[]) labelDays.add(JSON.stringify(day));
  return Number(row!["merged"]);
}

/** The projects that have partial rows. */
async function partialProjects(db: Database, all: Everywhere): Promise<string[]> {
  return idsOf(await all.ask((await isDistributed(db)) ? WITH_PARTIAL_ROWS_ANYWHERE : WITH_PARTIAL_ROWS));
}

const nextProject = (after = sql``): SQL => sql`
(select r.project_id from rollup r where r.level = ${LEVEL.partial}${after} order by r.project_id limit 1)`;

/** Each project takes one look-up in the index, however many rows it has. */
const FINDING_PROJECTS = sql`
with recursive found (project_id) as (
  select ${nextProject()}
  union all
  select ${nextProject(sql` and r.project_id > found.project_id`)} from found where found.project_id is not null
)`;

const WITH_PARTIAL_ROWS = compiledQuestion(
  () => sql`${FINDING_PROJECTS}
select project_id from found where project_id is not null`,
);

/** Citus takes no recursion over all shards. */
const WITH_PARTIAL_ROWS_ANYWHERE = compiledQuestion(
  (among) => sql`select distinct project_id from rollup r where level = ${LEVEL.partial}${among(sql`r`)}`,
);

/** From this many on, unspread rows of a project do not wait. Questions about labels read them all. */
const MANY_UNSPREAD = 20_000;

/** No more rows are counted than are many. If merging is far behind, counting all would take longer than a statement may. */
const WITH_UNSPREAD_ROWS = compiledQuestion(
  () => sql`${FINDING_PROJECTS}
select found.project_id, counted.rows >= ${MANY_UNSPREAD} as are_many
from found cross join lateral (
  select count(*) as rows from (
    select 1 from rollup r
    where r.level = ${LEVEL.partial} and r.project_id = found.project_id and r.label = ${UNSPREAD} limit ${MANY_UNSPREAD}
  ) first
) counted
where counted.rows > 0`,
);

/** On Citus, where each worker counts all of its own. */
const WITH_UNSPREAD_ROWS_ANYWHERE = compiledQuestion(
  (among) => sql`
select project_id, count(*) >= ${MANY_UNSPREAD} as are_many from rollup r
where level = ${LEVEL.partial} and label = ${UNSPREAD}${among(sql`r`)} group by 1`,
);

/** The projects that have unspread rows, and whether these are many. */
async function unspreadProjects(db: Database, all: Everywhere): Promise<Row[]> {
  return await all.ask((await isDistributed(db)) ? WITH_UNSPREAD_ROWS_ANYWHERE : WITH_UNSPREAD_ROWS);
}

/** Unspread rows that are looked up at once. Each takes some twelve bytes. */
const MOST_PLACES = 100_000;

export interface Merged {
  merged: number;
  /** True if nothing is left to merge or compact, but what waits. */
  drained: boolean;
  /** True if unspread rows wait for more of them. */
  waiting: boolean;
}

export interface MergeOptions {
  /**
   * True if a project's unspread rows are merged only if they are many, and labels are left alone otherwise. The more
   * rows a merge takes, the more of them add up to one: merging calls each minute costs three times as much as merging
   * them every five.
   */
  labelsWait?: boolean;
  /** True if the database may have requests to answer meanwhile. */
  leavesRoom?: boolean;
}

/**
 * Merges step by step until nothing is left or `deadlineMs` has passed, then compacts.
 *
 * @throws DatabaseUnavailable if not even the smallest step succeeds; in the end, what a part of Citus failed with.
 */
export async function merge(
  db: Database,
  now: () => number,
  deadlineMs: number,
  options: MergeOptions = {},
  known?: KnownNodes,
): Promise<Merged> {
  return await throughFailures(db, (all) => mergeAll(db, all, now, deadlineMs, options), known);
}

async function mergeAll(
  unpaced: Database,
  all: Everywhere,
  now: () => number,
  deadlineMs: number,
  { labelsWait = false, leavesRoom = false }: MergeOptions,
): Promise<Merged> {
  const labelDays = new Set<string>();
  const { db, pace, paced, steps } = startPacing(unpaced, now, deadlineMs, leavesRoom);
  const mergeRows = (which: "all" | "main") =>
    steps(async (limit) => {
      const merged = await mergeStep(db, limit, labelDays, which, all);
      return { merged, isLast: merged < limit };
    });
  const parts: Stepped[] = [];
  const mergeLabels = async (projects: readonly string[]): Promise<void> => {
    for (const shard of await byShard(db, projects)) {
      const step = unspreadSteps(db, shard, labelDays);
      parts.push(await steps(async (limit) => (await all.orFailure(() => step(limit))) ?? { merged: 0, isLast: true }));
    }
  };
  let waiting = false;
  if (labelsWait) {
    parts.push(await mergeRows("main"));
    const unspread = await unspreadProjects(db, all);
    const many = unspread.filter((row) => row["are_many"] === true);
    waiting = many.length < unspread.length;
    await mergeLabels(idsOf(many));
  } else {
    await mergeLabels(await partialProjects(db, all));
    parts.push(await mergeRows("all"));
  }
  const merged = parts.reduce((sum, part) => sum + part.merged, 0);
  const drained = parts.every((part) => part.drained);
  await markCrowded(db, labelDays);
  const compacted = await compact(db, now, deadlineMs, {
    labels: !labelsWait || labelDays.size > 0,
    stepRows: pace().compactedRows,
    paced,
    all,
  });
  return { merged, drained: compacted && drained, waiting };
}

/**
 * Makes the steps over the unspread rows of one shard's projects. Their places are looked up first, those of rows that
 * are alike together. The steps take them one after another.
 */
function unspreadSteps(
  db: Database,
  ofShard: readonly string[],
  labelDays: Set<string>,
): (limit: number) => Promise<Step> {
  const projects = plainArray(ofShard);
  let places: string[] = [];
  let areAll = false;
  let at = 0;
  return async (limit) => {
    const { unspread, labels } = await statements(db);
    if (at === places.length && !areAll) {
      const { statement, values } = unspread({ projects, limit: MOST_PLACES });
      const [row] = await db.run(statement, values);
      const found = row!["places"] as string | null;
      [places, at] = [found?.split(" ") ?? [], 0];
      areAll = places.length < MOST_PLACES;
    }
    const next = places.slice(at, at + limit);
    if (next.length === 0) return { merged: 0, isLast: true };
    const merged = await run(db, BY_HASH_AND_PLACE, labels({ projects, places: textArray(next) }), labelDays);
    at += next.length;
    return { merged, isLast: areAll && at === places.length };
  };
}
