/**
 * Of a call with more than ten tags ten are rolled up: the caller's own first, then those that tell teams, repositories
 * and agents. A summary by another tag says how many calls it does not tell apart.
 */
import { sql } from "drizzle-orm";
import { expect, it } from "vitest";
import type { Database } from "../../src/db/client.ts";
import { AGENT_TAGS } from "../../src/ledger/agent-tags.ts";
import { audit } from "../../src/rollup/audit.ts";
import { compact } from "../../src/rollup/compact.ts";
import { NOT_ROLLED_UP, OTHER } from "../../src/rollup/families.ts";
import { merge, mergeStep } from "../../src/rollup/merge.ts";
import { repairNoted } from "../../src/rollup/repair-noted.ts";
import { createMergeSignal } from "../../src/rollup/signal.ts";
import { parseSummaryQuery } from "../../src/summary/query.ts";
import { readValues, parseValuesQuery } from "../../src/summary/values.ts";
import { summarize } from "../../src/summary/summarize.ts";
import { DAY_MS } from "../../src/time.ts";
import { deleteTrace } from "../../src/traces/delete.ts";
import { parseTracesQuery } from "../../src/traces/query.ts";
import { listTraces } from "../../src/traces/read.ts";
import { writeBatch } from "../../src/write/write-batch.ts";
import { priced, trace } from "../calls.ts";
import { newProject, redis } from "../ledger.ts";
import { ownDatabase } from "../own-database.ts";

const START_MS = Date.UTC(2025, 2, 10);
const RANGE = `from=${START_MS}&to=${START_MS + DAY_MS}`;

const tagged = (clientId: string, keys: readonly string[], atMs = 1) =>
  trace({ clientId, startedAtMs: START_MS + atMs, tags: Object.fromEntries(keys.map((key) => [key, `${key}-1`])) });
const own = (count: number) => Array.from({ length: count }, (_, i) => `own_tag_${i + 10}`);

async function ask(db: Database, project: string, question: string, range = RANGE) {
  const query = parseSummaryQuery(new URLSearchParams(`${range}&${question}`), START_MS);
  return await summarize(db, project, query, START_MS);
}

/** The tags whose value a summary tells. */
async function rolledUp(db: Database, project: string, keys: readonly string[], range = RANGE): Promise<string[]> {
  const found: string[] = [];
  for (const key of keys) {
    const name = `tag.${key}`;
    const { rows, not_rolled_up, totals } = await ask(db, project, `group_by=${name}`, range);
    const [row] = rows as Record<string, unknown>[];
    const told = row![name] === `${key}-1`;
    expect([rows.length, totals.requests, row![name]]).toEqual([1, 1, told ? `${key}-1` : NOT_ROLLED_UP]);
    expect(not_rolled_up).toEqual(told ? undefined : { [name]: 1 });
    const filtered = await ask(db, project, `${name}=${key}-1`, range);
    expect([filtered.totals.requests, filtered.not_rolled_up]).toEqual(told ? [1, undefined] : [0, { [name]: 1 }]);
    if (told) found.push(key);
  }
  return found;
}

it.each<[string, readonly string[], readonly string[]]>([
  ["the caller's own, then in a fixed order", [...own(6), ...AGENT_TAGS], [...own(6), ...AGENT_TAGS.slice(0, 4)]],
  ["the caller's own alone", [...own(12), "agent", "team"], own(10)],
  ["in a fixed order", AGENT_TAGS, AGENT_TAGS.slice(0, 10)],
  ["all of ten", [...own(8), "agent", "effort"], [...own(8), "agent", "effort"]],
  // Without the tag `agent` all are the caller's own: the shorter ones come first.
  ["by name, if no agent reports it", [...own(12), "team", "effort"], ["team", "effort", ...own(8)]],
])("rolls up %s, in each state of the rows and at ragged edges", async (_, keys, expected) => {
  const { db } = await ownDatabase();
  const project = await newProject(db);
  await writeBatch(db, project, [priced(tagged("a", keys))]);
  const check = async () => {
    expect((await rolledUp(db, project, keys)).toSorted()).toEqual(expected.toSorted());
    expect((await audit(db, project, START_MS, START_MS + DAY_MS)).mismatches).toEqual([]);
  };
  await check();
  await mergeStep(db, 1_000);
  await check();
  await compact(db, Date.now, Infinity);
  await check();
  const ragged = `from=${START_MS}&to=${START_MS + 1_000}`;
  expect((await rolledUp(db, project, keys, ragged)).toSorted()).toEqual(expected.toSorted());
  for (const key of keys) {
    const query = parseTracesQuery(new URLSearchParams(`${RANGE}&tag.${key}=${key}-1`), START_MS);
    expect((await listTraces(db, project, query)).traces).toHaveLength(1);
    const values = parseValuesQuery(new URLSearchParams(`${RANGE}&field=tag.${key}`), START_MS);
    expect((await readValues(db, project, values)).length).toBe(expected.includes(key) ? 1 : 0);
  }
});

it("counts them with filters, limits and intervals, and no longer once the call is deleted", async () => {
  const { db } = await ownDatabase();
  const project = await newProject(db);
  const many = [...own(10), "agent", "skill"];
  const calls = [
    tagged("a", many),
    { ...tagged("b", many, 3_600_000), application: "other" },
    tagged("c", ["skill"], 2),
    tagged("d", [], 3),
  ];
  await writeBatch(db, project, calls.map(priced));
  const counts = async (question: string) => {
    const { rows, totals, not_rolled_up } = await ask(db, project, question);
    return [rows.map((row) => row.requests), totals.requests, not_rolled_up?.["tag.skill"]];
  };
  for (const step of [async () => undefined, async () => await merge(db, Date.now, Infinity)]) {
    await step();
    // Two that are not told apart, one with the skill, one without.
    expect(await counts("group_by=tag.skill")).toEqual([[2, 1, 1], 4, 2]);
    expect(await counts("group_by=tag.skill&limit=1")).toEqual([[2, 2], 4, 2]);
    expect(await counts("group_by=tag.skill&application=other")).toEqual([[1], 1, 1]);
    expect(await counts("tag.skill=skill-1&application=other")).toEqual([[], 0, 1]);
    expect(await counts("tag.skill=skill-1")).toEqual([[1], 1, 2]);
    expect(await counts("tag.skill=skill-1&group_by=application&interval=hour")).toEqual([[1], 1, 2]);
    expect(await counts("tag.skill=nothing&group_by=application")).toEqual([[], 0, 2]);
    expect(await counts("tag.skill=skill-1&include=latency,rates&group_by=application&limit=1")).toEqual([[1], 1, 2]);
    expect(await counts("group_by=user")).toEqual([[4], 4, undefined]);
    // Those of the day before, and of this one.
    expect(await counts(`tag.skill=skill-1&compare=previous`)).toEqual([[1], 1, 2]);
  }
  await deleteTrace(db, project, calls[0]!.id);
  expect(await counts("group_by=tag.skill")).toEqual([[1, 1, 1], 3, 1]);
  expect(await counts("tag.skill=skill-1")).toEqual([[1], 1, 1]);
});

it("repairs a day on which an older version rolled up the first ten by name", async () => {
  const { db } = await ownDatabase();
  const project = await newProject(db);
  const keys = [...own(10), "agent", "team"];
  await writeBatch(db, project, [priced(tagged("a", keys))]);
  await mergeStep(db, 1_000);
  // The names in alphabetical order, of one length.
  await db.query(
    sql`delete from rollup where project_id = ${project}::uuid and label in ('tag.own_tag_18', 'tag.own_tag_19')`,
  );
  await db.query(
    sql`update rollup set value = substr(label, 5) || '-1' where project_id = ${project}::uuid and label in ('tag.team', 'tag.agent')`,
  );
  const audited = async () => await audit(db, project, START_MS, START_MS + DAY_MS);
  expect((await audited()).ok).toBe(false);
  await db.query(
    sql`insert into days_to_repair (project_id, day) values (${project}::uuid, to_timestamp(${START_MS / 1_000}::float8))`,
  );
  expect(await audited()).toMatchObject({ ok: true, pending_days: ["2025-03-10"] });
  const deps = { db, redis: redis(), mergeSignal: createMergeSignal(redis()), now: () => START_MS };
  expect(await repairNoted(deps, Infinity, () => undefined)).toBe(true);
  expect(await audited()).toMatchObject({ ok: true, pending_days: [] });
  expect(await rolledUp(db, project, keys)).toEqual(own(10));
});

it("keeps them apart from the values that a crowded day no longer tells apart", async () => {
  const { db } = await ownDatabase();
  const project = await newProject(db);
  await db.query(sql`
    insert into crowded_labels (project_id, label, day) values (${project}::uuid, 'tag.skill', to_timestamp(${START_MS / 1_000}::float8))`);
  await writeBatch(db, project, [tagged("a", [...own(10), "agent", "skill"]), tagged("b", ["skill"], 2)].map(priced));
  await mergeStep(db, 1_000);
  const { rows, not_rolled_up } = await ask(db, project, "group_by=tag.skill");
  expect(rows.map((row) => (row as Record<string, unknown>)["tag.skill"]).toSorted()).toEqual([NOT_ROLLED_UP, OTHER]);
  expect(not_rolled_up).toEqual({ "tag.skill": 1 });
  expect((await audit(db, project, START_MS, START_MS + DAY_MS)).mismatches).toEqual([]);
});
