/**
 * Every statement that the application runs for one project names it at each distributed table, so that Citus can send
 * it to the one shard where that project is.
 *
 * All statements of a scenario through the routes, the queue and cron are checked, with the values that they are run
 * with (`citus-routing.ts` says by which rule); and it is checked that the scenario reaches each call in `src/` that
 * runs one, and each that is compiled. Of a statement that is put together by what is asked it sees those that are
 * asked.
 *
 * The database says that it is Citus, with each project on a shard of its own. What a statement may not have there,
 * `citus-rules.ts` says. Neither proves that Citus takes it.
 */
import { globSync, readFileSync } from "node:fs";
import { sql } from "drizzle-orm";
import { afterAll, expect, it, vi } from "vitest";
import { asDistributed } from "./as-distributed.ts";
import type { Run } from "./citus-recording.ts";
import { brokenRules, readingCtes } from "./citus-rules.ts";
import { type Reference, referencesOf, type Tables } from "./citus-routing.ts";
import { sentToShard } from "../../src/db/shard-inserts.ts";
import { playScenario } from "./citus-scenario.ts";
import { DISTRIBUTED } from "./citus-script.ts";

/** What is for all projects by design, and why: the work of cron, and what the queue could not deliver. */
const FOR_ALL: Record<string, string> = {
  "src/erase/job.ts runErasures": "asks which erasures are open",
  "src/monitoring/take-snapshot.ts auditYesterday": "asks which projects had calls",
  "src/monitoring/take-snapshot.ts takeSnapshot": "counts what waits in all projects",
  "src/queue/dead-letters.ts keepDeadLetters": "a batch of the queue has messages of several projects",
  "src/queue/dead-letters.ts replayDeadLetters": "asks which messages there are, for the operator",
  "src/reprice/job.ts runJobs": "asks which jobs are open",
  "src/reprice/relabel.ts relabel": "asks which jobs are open",
  "src/retention/retain.ts deletionsOf": "asks whose hours are too old",
  "src/retention/retain.ts forgetResponses": "responses are removed once they are too old, whosever they are",
  "src/retention/retain.ts keyRanges": "counts responses",
  "src/retention/retain.ts moveRawSince": "the bound moves for all projects at once",
  "src/retention/retain.ts retain": "so it does for reported usage",
  "src/rollup/compact.ts dueSlices": "asks for what is due",
  "src/rollup/corrections.ts addUpCorrections": "asks whose corrections are many",
  "src/rollup/counted.ts readCounted": "counters are of all projects",
  "src/rollup/merge.ts partialProjects": "asks whose rows are to be merged",
  "src/rollup/merge.ts unspreadProjects": "asks whose labels are many",
  "src/rollup/repair-noted.ts repairNoted": "asks which days are noted, and forgets those of which no calls are kept",
  "src/write/held.ts decideHeld": "asks which wrappers are due",
  "src/write/trace-nodes.ts forgetLinks": "asks whose links are quiet",
};

/** The CTEs of a statement that writes which each read in a snapshot of their own on Citus, and why they may. */
const READ_APART: Record<string, string> = {
  "moved,slices": "rows that a merge takes out are gone for others; whether a slice has begun changes no sum",
  "moved,labelled,slices": "so is what `labelled` asks: which values of a label are told apart",
  "moved,fresh,slices": "so is what `fresh` asks, where it is of labels alone",
  "chained,seen,wanted,before": "their rows were locked by a statement before",
};

// Files share modules: those that others loaded tell nothing here, and no other may get these.
const compiled = vi.hoisted(() => {
  vi.resetModules();
  return new Set<string>();
});
afterAll(() => void vi.resetModules());
vi.mock(import("../../src/db/client.ts"), async (original) => {
  const client = await original();
  return {
    ...client,
    compile(query, order) {
      const statement = client.compile(query, order);
      compiled.add(statement.text);
      return statement;
    },
    compileNamed(query) {
      const bind = client.compileNamed(query);
      compiled.add(bind({}).statement.text);
      return bind;
    },
  };
});

// As it is on any other Postgres, where nothing is asked of statements, and as it is on Citus.
const plain = await playScenario();
const { projectId, runs, db } = await playScenario((own) => asDistributed(own.db));
const tables: Tables = new Map(
  (
    await db.query(sql`
      select relname as name, array_agg(attname::text order by attnum) as columns
      from pg_class c join pg_attribute a on a.attrelid = c.oid and attnum > 0 and not attisdropped
      where c.oid = any(${`{${DISTRIBUTED.join()}}`}::regclass[]) group by 1`)
  ).map(({ name, columns }) => [String(name), columns as string[]]),
);

interface Checked {
  run: Run;
  references: Reference[];
  routable: boolean;
}

async function check(run: Run, text = run.text): Promise<Checked> {
  const references = await referencesOf(text, run.values, tables);
  const projects = new Set(references.map(({ project }) => project));
  return { run, references, routable: projects.size <= 1 && !projects.has(undefined) };
}

/** One run of each statement from each place, for each project. */
const checked: Checked[] = [];
for (const run of new Map(
  runs.map((run) => [`${run.at} ${run.values.includes(projectId)} ${run.text}`, run]),
).values()) {
  checked.push(await check(run));
}

const forAll = ({ within: [name = ""] }: Run): string | undefined =>
  Object.keys(FOR_ALL).find((one) => `${name} `.startsWith(`${one} `));

it("is restricted to one project, but for what is for all", () => {
  const wanting = checked.filter(({ run, routable }) => !routable && forAll(run) === undefined);
  expect(wanting.map(({ run: { at, text }, references }) => ({ at, text, references }))).toEqual([]);
});

it("is for all where that is said", () => {
  const unrestricted = checked.filter(({ routable }) => !routable).map(({ run }) => forAll(run));
  expect([...new Set(unrestricted)].toSorted()).toEqual(Object.keys(FOR_ALL).toSorted());
});

it("has nothing that Citus refuses", async () => {
  const broken = await Promise.all(
    checked.map(async ({ run: { at, text }, routable }) => ({
      at,
      text,
      broken: await brokenRules(text, routable, DISTRIBUTED),
    })),
  );
  expect(broken.filter(({ broken }) => broken.length > 0)).toEqual([]);
});

it("reads in one CTE all that must be of one snapshot, if it also writes", async () => {
  const writing = checked.filter(({ run: { text } }) => /\b(insert into|update|delete from) \w+/.test(text));
  const reading = await Promise.all(writing.map(async ({ run }) => await readingCtes(run.text, DISTRIBUTED)));
  const apart = new Set(reading.filter((ctes) => ctes.length > 1).map(String));
  expect([...apart].toSorted()).toEqual(Object.keys(READ_APART).toSorted());
});

it("goes to one shard if it inserts, as `shard-inserts.ts` rewrites it", async () => {
  const names = new Set(DISTRIBUTED);
  const homes: Tables = new Map([...tables, ["project_homes", ["project_id"]]]);
  const inserts = new RegExp(`insert into (${DISTRIBUTED.join("|")})( as \\w+)? \\([^()]*\\)\\s+(select|with)\\b`);
  const inserting = checked.filter(({ run: { text }, routable }) => routable && inserts.test(text));
  expect(inserting.length).toBeGreaterThan(20);
  for (const { run } of inserting) {
    const found = sentToShard(run.text, names);
    expect(found, run.text).not.toBeNull();
    const projects = (await referencesOf(found!.text, run.values, homes)).map(({ project }) => project);
    expect([...new Set(projects)], found!.text).toHaveLength(1);
    expect(projects[0], found!.text).toBeDefined();
  }
});

it("is of all that a project does", () => {
  const own = checked.filter(({ routable }) => routable).flatMap(({ references }) => references);
  const uses = new Set(own.filter(({ project }) => project === projectId).map(({ use, table }) => `${use} ${table}`));
  expect([...uses].toSorted()).toEqual([
    "delete corrections",
    "delete days_to_repair",
    "delete dead_letters",
    "delete held_wrappers",
    "delete plans",
    "delete relabel_jobs",
    "delete responses",
    "delete rollup",
    "delete spans",
    "delete traces",
    "delete views",
    "insert corrections",
    "insert crowded_labels",
    "insert days_to_repair",
    "insert doubles",
    "insert erasures",
    "insert held_wrappers",
    "insert plans",
    "insert prices",
    "insert relabel_jobs",
    "insert reported_usage",
    "insert reprice_jobs",
    "insert responses",
    "insert rollup",
    "insert spans",
    "insert traces",
    "insert views",
    "read crowded_labels",
    "read days_to_repair",
    "read dead_letters",
    "read doubles",
    "read erasures",
    "read held_wrappers",
    "read plans",
    "read prices",
    "read reported_usage",
    "read reprice_jobs",
    "read responses",
    "read rollup",
    "read spans",
    "read traces",
    "read views",
    "update dead_letters",
    "update erasures",
    "update held_wrappers",
    "update plans",
    "update relabel_jobs",
    "update reported_usage",
    "update reprice_jobs",
    "update responses",
    "update spans",
    "update traces",
    "update views",
  ]);
});

/** What `src/db/shards.ts` runs, for whoever calls it. */
const OF_SHARDS =
  /^select exists \(select 1 from pg_extension|get_shard_id_for_distribution_column|from pg_dist_partition/;

it("is each that is compiled, and each that a call in `src/` runs", () => {
  const all = [...runs, ...plain.runs].filter(({ text }) => !OF_SHARDS.test(text));
  const texts = new Set(all.map(({ text }) => text));
  expect([...compiled].filter((text) => !texts.has(text))).toEqual([]);
  const files = globSync("src/**/*.ts").filter((file) => !file.startsWith("src/db/"));
  const calls = files.flatMap((file) =>
    readFileSync(file, "utf8")
      .split("\n")
      .flatMap((line, i) => (/\b(db\.(query|run|batch)|all\.ask)\(/.test(line) ? [`${file}:${i + 1}`] : [])),
  );
  expect([...new Set(all.map(({ at }) => at))].toSorted()).toEqual(calls.toSorted());
});

it("would be found wanting without the project", async () => {
  const reading = checked.filter(
    ({ routable, references }) => routable && references.some(({ use }) => use !== "insert"),
  );
  expect(reading.length).toBeGreaterThan(50);
  for (const { run } of reading) {
    const broken = await check(run, run.text.replaceAll("project_id = ", "project_id <> "));
    expect(broken.routable, run.text).toBe(false);
  }
});
