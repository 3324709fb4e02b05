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
import { plainArray } from "../db/array-literal.ts";
import { compile, type Database, DatabaseUnavailable, type Row } from "../db/client.ts";
import { byShard, idsOf, isDistributed } from "../db/shards.ts";
import { LEVEL } from "../ledger/levels.ts";
import { compact, type Paced } from "./compact.ts";
import { markCrowded } from "./crowded.ts";
import { UNSPREAD } from "./families.ts";
import { BY_HASH } from "./grouped.ts";
import { MERGE_MAIN, MERGE_OF, MERGE_SHARD, type Which } from "./merging.ts";

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
 * One step: merges up to `limit` partial rows, and adds the label days in them to `labelDays`.
 *
 * @param which partial rows of every project, or the labels of these.
 * @returns how many rows were merged. If fewer than `limit`, only rows that other merges have locked are left.
 */
export async function mergeStep(
  db: Database,
  limit: number,
  labelDays = new Set<string>(),
  which: { rows: Which; of?: readonly string[] } = { rows: "all" },
): Promise<number> {
  const distributed = await isDistributed(db);
  const statement = (distributed ? MERGE_SHARD : MERGE_OF)[which.rows];
  const ids = which.of ?? (await partialProjects(db));
  let merged = 0;
  for (const projects of await byShard(db, ids)) {
    if (merged === limit) break;
    const values = { projects: plainArray(projects), limit: limit - merged };
    const [, [row] = []] = await db.batch([BY_HASH, statement(values)]);
    for (const day of (row!["label_days"] ?? []) as unknown[]) labelDays.add(JSON.stringify(day));
    merged += Number(row!["merged"]);
  }
  return merged;
}

/** The projects that have partial rows. */
async function partialProjects(db: Database): Promise<string[]> {
  return idsOf(await db.run((await isDistributed(db)) ? WITH_PARTIAL_ROWS_ANYWHERE : WITH_PARTIAL_ROWS, []));
}

const nextProject = (after = sql``): SQL => sql`
(select r.project_id from rollup r where r.level = ${LEVEL.partial}${after} order by r.project_id limit 1)`;

/** Each project takes one look-up in the index, however many rows it has. */
const WITH_PARTIAL_ROWS = compile(
  sql`
with recursive found (project_id) as (
  select ${nextProject()}
  union all
  select ${nextProject(sql` and r.project_id > found.project_id`)} from found where found.project_id is not null
)
select project_id from found where project_id is not null`.inlineParams(),
  [],
);

/** Citus takes no recursion over all shards. */
const WITH_PARTIAL_ROWS_ANYWHERE = compile(
  sql`select distinct project_id from rollup where level = ${LEVEL.partial}`.inlineParams(),
  [],
);

/** From this many on, unspread rows of a project do not wait. Questions about labels read them all. */
const MANY_UNSPREAD = 20_000;

const WITH_UNSPREAD_ROWS = compile(
  sql`
select project_id, count(*) >= ${MANY_UNSPREAD} as are_many from rollup
where level = ${LEVEL.partial} and label = ${UNSPREAD} group by 1`.inlineParams(),
  [],
);

/** The projects that have unspread rows, and whether these are many. */
async function unspreadProjects(db: Database): Promise<Row[]> {
  return await db.run(WITH_UNSPREAD_ROWS, []);
}

interface Pace {
  /** Of the first step. */
  firstRows: number;
  /** How long a step should take. Each is sized by the one before. */
  stepMs: number;
  /** Of each step that compacts. */
  compactedRows: number;
}
/** The fastest: the more rows a step takes, the more of them add up to one. */
const QUICK: Pace = { firstRows: 20_000, stepMs: 3_000, compactedRows: 50_000 };
/** Requests wait for a core while a step runs. So it is short, and as long as it took the cores are theirs. */
const ROOMY: Pace = { firstRows: 4_000, stepMs: 150, compactedRows: 8_000 };
/** A merge that takes longer than this is behind. Then it goes on as fast as it can. */
const ROOMY_MS = 15_000;
const LEAST_ROWS = 50;
const MOST_ROWS = 100_000;

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
  /** True if the database has requests to answer meanwhile. */
  leavesRoom?: boolean;
}

/**
 * Merges step by step until nothing is left or `deadlineMs` has passed, then compacts.
 *
 * @throws DatabaseUnavailable if not even the smallest step succeeds.
 */
export async function merge(
  db: Database,
  now: () => number,
  deadlineMs: number,
  { labelsWait = false, leavesRoom = false }: MergeOptions = {},
): Promise<Merged> {
  const labelDays = new Set<string>();
  const beganMs = now();
  const pace = (): Pace => (leavesRoom && now() - beganMs < ROOMY_MS ? ROOMY : QUICK);
  const paced: Paced = async (work) => {
    const startMs = now();
    const result = await work();
    const tookMs = now() - startMs;
    if (pace() === ROOMY) await new Promise((resolve) => setTimeout(resolve, tookMs));
    return { result, tookMs };
  };
  const steps = (which: Parameters<typeof mergeStep>[3]) =>
    mergeSteps((limit) => paced(() => mergeStep(db, limit, labelDays, which)), pace, now, deadlineMs);
  let { merged, drained } = await steps({ rows: labelsWait ? "main" : "all" });
  let waiting = false;
  if (labelsWait) {
    const unspread = await unspreadProjects(db);
    const many = idsOf(unspread.filter((row) => row["are_many"] === true));
    waiting = many.length < unspread.length;
    if (many.length > 0) {
      const labels = await steps({ rows: "labels", of: many });
      merged += labels.merged;
      drained &&= labels.drained;
    }
  }
  await markCrowded(db, labelDays);
  const compacted = await compact(db, now, deadlineMs, {
    labels: !labelsWait || labelDays.size > 0,
    stepRows: pace().compactedRows,
    paced,
  });
  return { merged, drained: compacted && drained, waiting };
}

async function mergeSteps(
  step: (limit: number) => Promise<{ result: number; tookMs: number }>,
  pace: () => Pace,
  now: () => number,
  deadlineMs: number,
): Promise<{ merged: number; drained: boolean }> {
  let merged = 0;
  let limit = pace().firstRows;
  while (now() < deadlineMs) {
    try {
      const { result: rows, tookMs } = await step(limit);
      merged += rows;
      if (rows < limit) return { merged, drained: true };
      limit = Math.min(Math.max(Math.floor(limit * clampedBy2(pace().stepMs / tookMs)), LEAST_ROWS), MOST_ROWS);
    } catch (error) {
      // The step may have taken too long. Then nothing was changed, and a smaller step may succeed.
      if (!(error instanceof DatabaseUnavailable) || limit === LEAST_ROWS) throw error;
      limit = Math.max(Math.floor(limit / 4), LEAST_ROWS);
    }
  }
  return { merged, drained: false };
}

const clampedBy2 = (factor: number): number => Math.min(Math.max(factor, 0.5), 2);
