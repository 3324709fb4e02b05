/** Cron while a node of Citus is down: the projects of the other nodes are worked on as ever, and the run fails. */
import { sql } from "drizzle-orm";
import { expect, inject, it, vi } from "vitest";
import { parseConfig } from "../src/config.ts";
import { runScheduled } from "../src/cron.ts";
import { type Bound, boundOf, type Database, DatabaseUnavailable } from "../src/db/client.ts";
import { throughFailures } from "../src/db/shards.ts";
import { columns, constants } from "../src/db/sql.ts";
import { createDeps } from "../src/deps.ts";
import { openErasure } from "../src/erase/job.ts";
import { LEVEL } from "../src/ledger/levels.ts";
import { CORRECTED_MEASURES, COUNTED_DIMENSIONS } from "../src/ledger/measures.ts";
import { openJob } from "../src/reprice/job.ts";
import { audit } from "../src/rollup/audit.ts";
import { DAY_MS, HOUR_MS } from "../src/time.ts";
import { writeBatch } from "../src/write/write-batch.ts";
import { priced, trace } from "./calls.ts";
import { asDistributed } from "./db/as-distributed.ts";
import { DISTRIBUTED } from "./db/citus-script.ts";
import { newProject } from "./ledger.ts";
import { ownDatabase } from "./own-database.ts";

/** At the daily sweep. */
const NOW_MS = Date.UTC(2026, 10, 20, 3);
const START_MS = NOW_MS - DAY_MS;
const OF_PROJECTS = new RegExp(`\\b(from|join|into|update) (${DISTRIBUTED.join("|")})\\b`);

/** `db` without the node of a project: a statement for it fails, and so does one for all projects. */
function without(db: Database, down: string, projects: readonly string[]): Database {
  const reach = ({ statement, values }: Bound): void => {
    const names = (id: string): boolean => values.some((value) => String(value).includes(id));
    const isForAll = OF_PROJECTS.test(statement.text) && !projects.some(names);
    const tellsPlaces = statement.text.includes("get_shard_id_for_distribution_column");
    if (!tellsPlaces && (isForAll || names(down))) throw new DatabaseUnavailable("the node is down");
  };
  return {
    ...db,
    async query(query) {
      reach(boundOf(query));
      return await db.query(query);
    },
    async run(statement, values) {
      reach({ statement, values });
      return await db.run(statement, values);
    },
    async batch(queries) {
      queries.map(boundOf).forEach(reach);
      return await db.batch(queries);
    },
  };
}

it("works for the projects of the nodes that answer, fails in the end, and makes up for it", async () => {
  const { db } = await ownDatabase();
  const projects = (await Promise.all([newProject(db), newProject(db), newProject(db)])).toSorted();
  const down = projects[1]!;
  const config = parseConfig({ ...inject("bindings") });
  const kept = vi.fn(async () => {});
  const mergeSignal = { raise() {}, take: async () => true, isUp: async () => true, keep: kept };
  const depsOf = (own: Database) =>
    createDeps({ ...config, catalogueUrl: undefined }, { db: own, mergeSignal, now: () => NOW_MS });
  const deps = depsOf(asDistributed(db));
  const write = async (name: string): Promise<void> => {
    for (const project of projects)
      await writeBatch(db, project, [
        priced(trace({ clientId: `${name} 1`, startedAtMs: START_MS, userId: "ada" })),
        priced(trace({ clientId: `${name} 2`, startedAtMs: START_MS + HOUR_MS, userId: "ada" })),
      ]);
  };

  // Something to do for each stage.
  await write("a");
  const summed = [...CORRECTED_MEASURES.map(({ name }) => name), "cost_added_pico", "cost_taken_pico"];
  const zeros = constants(summed.map(() => 0));
  for (const project of projects) {
    const id = sql`${project}::uuid`;
    await db.query(
      sql`insert into days_to_repair (project_id, day) values (${id}, to_timestamp(${START_MS / 1_000}::float8))`,
    );
    await db.query(
      sql`insert into relabel_jobs (project_id, cursor) values (${id}, '00000000-0000-0000-0000-000000000000')`,
    );
    await db.query(sql`
      insert into held_wrappers (project_id, id, trace_id, due_at)
      select project_id, id, ${"0".repeat(31)}::text || '1', now() from traces where project_id = ${id} limit 1`);
    await db.query(sql`
      insert into spans (project_id, trace_id, span_id, started_at, wrapper, received_at)
      values (${id}, ${"0".repeat(31)}::text || '2', '1', now(), false, now() - interval '8 days')`);
    await db.query(sql`
      insert into corrections (project_id, ${columns([...COUNTED_DIMENSIONS, ...summed])})
      select ${id}, ${constants(COUNTED_DIMENSIONS.map(() => ""))}, ${zeros} from generate_series(1, 1001)`);
    await openErasure(deps, project, "bob", "remove", { name: "admin key", requestId: "1" });
    const range = { fromMs: START_MS, toMs: NOW_MS, providers: [], models: [], unpricedOnly: false };
    await openJob(deps, { projectId: project, ...range });
  }
  const left = async (): Promise<Record<string, unknown[]>> => {
    const of = async (rest: ReturnType<typeof sql>): Promise<unknown[]> =>
      (await db.query(sql`select distinct project_id from ${rest} order by 1`)).flatMap(({ project_id: id }) =>
        projects.includes(String(id)) ? [id] : [],
      );
    return {
      merge: await of(sql`rollup where level = ${LEVEL.partial}`),
      compact: await of(sql`rollup where level in (${LEVEL.freshHour}, ${LEVEL.freshDay}, ${LEVEL.freshWeek})`),
      held: await of(sql`held_wrappers`),
      jobs: await of(sql`reprice_jobs where done_at is null`),
      erase: await of(sql`erasures where stepped_at is null`),
      repair: await of(sql`days_to_repair`),
      relabel: await of(sql`relabel_jobs`),
      links: await of(sql`spans`),
      corrections: await of(sql`corrections group by project_id having count(*) > 1`),
    };
  };
  const each = (of: readonly string[]) => ({
    merge: of,
    compact: [] as readonly string[],
    held: of,
    jobs: of,
    erase: of,
    repair: of,
    relabel: of,
    links: of,
    corrections: of,
  });
  expect(await left()).toEqual(each(projects));

  const failing = depsOf(without(asDistributed(db), down, projects));
  const counted = vi.spyOn(failing.counters, "count");
  await expect(runScheduled(failing, NOW_MS, () => {})).rejects.toThrow("the node is down");
  expect(await left()).toEqual(each([down]));
  const failed = counted.mock.calls.flatMap(([name, [stage]]) => (name.includes("cron_failures") ? [stage] : []));
  const { compact: _, ...stages } = each([]);
  expect(failed).toEqual(expect.arrayContaining([...Object.keys(stages), "run"]));
  // The next run does not wait for a write.
  expect(kept).toHaveBeenCalledTimes(1);

  // Hours and days that have compacted rows get fresh ones beside them, which are compacted in the same run.
  await write("b");
  await expect(runScheduled(failing, NOW_MS, () => {})).rejects.toThrow("the node is down");
  expect(await left()).toEqual(each([down]));

  await runScheduled(deps, NOW_MS, () => {});
  expect(await left()).toEqual(each([]));
  for (const project of projects) {
    const { mismatches, days } = await audit(db, project, START_MS, START_MS + DAY_MS);
    expect(mismatches).toEqual([]);
    expect(days[0]!.rollup.requests).toBe(4);
  }
});

it("asks no node by itself where all are one, or none answers", async () => {
  const failing = new DatabaseUnavailable("the database is down");
  const dbOf = (distributed: boolean, answers: boolean) => {
    const query = vi.fn(async (asked: Parameters<Database["query"]>[0]) => {
      const { text } = boundOf(asked).statement;
      if (text.includes("pg_extension")) return [{ distributed }];
      if (answers && text.includes("from projects")) return [{ project_id: "a" }, { project_id: "b" }];
      if (answers && text.includes("get_shard_id"))
        return [
          { project_id: "a", node: 1 },
          { project_id: "b", node: 2 },
        ];
      throw failing;
    });
    return { db: { query } as unknown as Database, query };
  };
  const question = (among: (table: ReturnType<typeof sql>) => ReturnType<typeof sql>) =>
    sql`select 1 from rollup r where true${among(sql`r`)}`;
  for (const [distributed, answers, statements] of [
    [false, true, 2],
    [true, false, 3],
    [true, true, 6],
  ] as const) {
    const { db, query } = dbOf(distributed, answers);
    await expect(throughFailures(db, (all) => all.ask(question))).rejects.toBe(failing);
    // The question, whether it is Citus; which projects; where they are; each node.
    expect(query).toHaveBeenCalledTimes(statements);
  }
});
