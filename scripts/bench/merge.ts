/**
 * Merging: how long the Worker's cron takes for what came in at full ingest, to the time in which it came in (above 1
 * it would fall behind); what CPU that is in Postgres; and how many partial rows there were for each group. First with
 * calls that came before, so that each time is of one thing; then with both at once, on the same cores.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { PgDialect } from "drizzle-orm/pg-core";
import { sql } from "drizzle-orm";
import { audit } from "../../src/rollup/audit.ts";
import { labelsOf } from "../../src/rollup/derive.ts";
import { columns } from "../../src/db/sql.ts";
import { DIMENSIONS } from "../../src/ledger/measures.ts";
import { LEVEL } from "../../src/ledger/levels.ts";
import { MAIN, UNSPREAD } from "../../src/rollup/families.ts";
import { startBackground } from "./background.ts";
import type { Bench } from "./context.ts";
import { cpuOf } from "./cpu.ts";
import { drain, fireCron } from "./cron.ts";
import type { Measured } from "./report.ts";
import { startSender } from "./sender.ts";
import { readStored } from "./stored.ts";
import { timed } from "./timing.ts";

const CALLS = 100_000;
const LEAD_MS = 10_000;

export async function benchMerge(bench: Bench): Promise<Measured[]> {
  return [...(await mergeOf(bench, 100, 8)), ...(await mergeOf(bench, 1_000, 4)), ...(await mergeBusy(bench))];
}

async function mergeOf(bench: Bench, batch: number, connections: number): Promise<Measured[]> {
  const { patientDb, say } = bench;
  const project = await bench.newProject();
  const sender = await startSender(bench, project);
  const requests = Math.ceil(bench.scaled(CALLS) / batch);
  say(`ingesting ${requests * batch} calls, ${batch} a request`);
  const posted = await sender.post(batch, requests, connections);
  const groups = await partialsOf(bench, project.id);
  say("merging them by cron");
  const { value: ms, cpu } = await cpuOf(() => timed(() => drain(bench)));
  await sender.verify();
  const { ok, mismatches } = await audit(patientDb, project.id, Date.now() - 600_000, Date.now());
  if (!ok) throw new Error(`merged wrongly: ${JSON.stringify(mismatches[0])}`);

  const seconds = ms / 1_000;
  const of = `${batch.toLocaleString("en-US")} a request`;
  const results: Measured[] = [
    {
      id: `merge.ingest_${batch}`,
      name: `ingest of ${posted.calls.toLocaleString("en-US")} calls, ${of}`,
      value: posted.seconds,
      unit: "s",
    },
    {
      id: `merge.time_${batch}`,
      name: "  merging them by cron, to the end",
      value: seconds,
      unit: "s",
      ratio: seconds / posted.seconds,
      to: "the time of their ingest",
    },
  ];
  if (cpu.postgres !== undefined) {
    results.push({
      // Both sizes merge the same rows of users and tags, which are nearly all.
      id: batch === 100 ? "merge.database_cpu_us_per_trace" : `merge.database_cpu_us_per_trace_in_${batch}`,
      name: "  database CPU of merging a call",
      value: (cpu.postgres / posted.calls) * 1e6,
      unit: "us",
    });
  }
  for (const { id, name, rows, groups: count } of groups)
    results.push({ id: `merge.${id}_${batch}`, name: `  ${name}`, value: rows / count, unit: "rows" });
  return results;
}

/** One run of cron, as each minute has one, that begins with what came in the seconds before. */
async function mergeBusy(bench: Bench): Promise<Measured[]> {
  const { pool, url, say, labels } = bench;
  say("one run of cron at full ingest");
  const project = await bench.newProject();
  const sinceMs = Date.now() - 300_000;
  const background = await startBackground({ url, key: project.key, batch: 1_000, connections: 4, labels });
  await sleep(bench.scaled(LEAD_MS));
  const mergeMs = await timed(() => fireCron(bench));
  const sent = await background.stop();
  const stored = await readStored(pool, project.id, sinceMs);
  if (stored.calls !== sent.calls) throw new Error(`acknowledged ${sent.calls} calls, stored ${stored.calls}`);
  // Each call of the benchmarks has labels.
  const { rows } = await pool.query<{ left: number }>(
    "select count(*)::int as left from rollup where project_id = $1 and level = $2 and label = $3",
    [project.id, LEVEL.partial, UNSPREAD],
  );
  const merged = (sent.calls - rows[0]!.left) / (mergeMs / 1_000);
  const ingest = sent.calls / sent.seconds;
  return [
    { id: "merge.busy", name: "calls merged by one run of cron at full ingest", value: merged, unit: "calls/s" },
    {
      id: "merge.busy_ingest",
      name: "  ingest meanwhile, 1,000 a request",
      value: ingest,
      unit: "calls/s",
      ratio: ingest / merged,
      to: "calls merged",
    },
  ];
}

interface Partials {
  id: string;
  name: string;
  rows: number;
  groups: number;
}

const dialect = new PgDialect();

async function partialsOf({ pool }: Bench, projectId: string): Promise<Partials[]> {
  const dimensions = columns(DIMENSIONS, "t");
  const ofProject = sql`t.project_id = ${projectId}::uuid and t.level = ${LEVEL.partial}`;
  const query = sql`
select (select count(*)::int from rollup t where ${ofProject} and t.label = ${MAIN}) as main_rows,
  (select count(*)::int from (select distinct t.bucket, ${dimensions} from rollup t where ${ofProject} and t.label = ${MAIN}) as g) as main_groups,
  (select count(*)::int from rollup t where ${ofProject} and t.label = ${UNSPREAD}) as label_rows,
  (select count(*)::int from (
    select distinct t.bucket, l.label, l.value, ${dimensions} from rollup t cross join lateral ${labelsOf} as l
    where ${ofProject} and t.label = ${UNSPREAD}
  ) as g) as label_groups`;
  const { sql: text, params } = dialect.sqlToQuery(query);
  const { rows } = await pool.query<Record<"main_rows" | "main_groups" | "label_rows" | "label_groups", number>>(
    text,
    params,
  );
  const { main_rows, main_groups, label_rows, label_groups } = rows[0]!;
  return [
    {
      id: "partials_per_group",
      name: "partial rows a group, by what is merged beside ingest",
      rows: main_rows,
      groups: main_groups,
    },
    {
      id: "partials_per_label_group",
      name: "partial rows a group of a user or tag",
      rows: label_rows,
      groups: label_groups,
    },
  ];
}
