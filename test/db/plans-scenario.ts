/**
 * What writes, merges, compacts and asks, on a ledger that grows up: the plans of all statements that this runs.
 *
 * | ledger | rows | what Postgres knows of them                   |
 * | ------ | ---- | --------------------------------------------- |
 * | empty  | none | nothing, because no table has been analyzed   |
 * | young  | few  | the same                                      |
 * | grown  | many | how the tables were while the ledger was young |
 * | full   | many | how the tables are                            |
 *
 * Autovacuum is off, so that a ledger does not age meanwhile. Days are long over, so that all slices are due.
 */
import { onTestFinished } from "vitest";
import pg from "pg";
import { calls, take } from "../../scripts/bench/calls.ts";
import { fillDays } from "../../scripts/bench/history.ts";
import { ask, QUESTIONS } from "../../scripts/bench/questions.ts";
import { asWorker } from "../../scripts/local/roles.ts";
import { connect } from "../../src/db/client.ts";
import { forProject } from "../../src/db/wall.ts";
import { decodeNative } from "../../src/ingest/decode/native.ts";
import { createProject } from "../../src/keys.ts";
import { merge, mergeMain } from "../../src/rollup/merge.ts";
import { DAY_MS, HOUR_MS } from "../../src/time.ts";
import type { PricedCall } from "../../src/write/columns.ts";
import { writeBatch } from "../../src/write/write-batch.ts";
import { priced, trace } from "../calls.ts";
import { type Explained, explaining } from "./explaining.ts";

export interface Seen extends Explained {
  ledger: "empty" | "young" | "grown" | "full";
  action: string;
}

/** The end of the last day. */
const END_MS = Date.UTC(2026, 2, 1);
/** Each batch begins so long before the one before it, in hours of its own. */
const BETWEEN_MS = 7 * HOUR_MS;
const CALLS = 1_000;
const AGAIN = 100;
const TRACES = 200;
const CALLS_A_DAY = 100;
const LABELLED_BATCHES = 8;

const NO_TIME_LIMIT = Number.POSITIVE_INFINITY;

/** @param url of a database that was just migrated, and that nothing else uses. */
export async function plansOf(url: string): Promise<Seen[]> {
  const owner = new pg.Client({ connectionString: url });
  await owner.connect();
  onTestFinished(() => owner.end());
  const { db, taken, close } = await explaining(asWorker(url));
  onTestFinished(close);
  const unseen = connect({ driver: "postgres", url: asWorker(url), timeoutMs: 60_000 });
  await owner.query(PREPARE);
  const { id: project } = await createProject(unseen, "test");
  const seen: Seen[] = [];
  let batches = 0;
  const nextMs = (): number => END_MS - 3 * HOUR_MS - BETWEEN_MS * batches++;

  async function see(ledger: Seen["ledger"], action: string, work: () => Promise<unknown>): Promise<void> {
    await work();
    seen.push(...taken().map((explained) => ({ ...explained, ledger, action })));
  }

  async function askAll(ledger: Seen["ledger"]): Promise<void> {
    const walled = forProject(db, project);
    const history = { projectId: project, key: "", traces: 0, endMs: END_MS };
    for (const question of QUESTIONS) await see(ledger, question.id, () => question.ask(walled, history));
    for (const [id, days, query] of MORE_QUESTIONS)
      await see(ledger, id, () => ask(walled, history, query, END_MS - days * DAY_MS, END_MS));
  }

  async function live(ledger: Seen["ledger"]): Promise<void> {
    await owner.query(CROWD, [project, new Date(END_MS - DAY_MS)]);
    const write = (batch: readonly PricedCall[]) => writeBatch(db, project, batch);
    const batch = labelled(nextMs());
    await see(ledger, "write", () => write(batch));
    await see(ledger, "write again", () => write(batch.slice(0, AGAIN)));
    const spansMs = nextMs();
    await see(ledger, "write wrappers", () => write(spans(spansMs, true)));
    await see(ledger, "write calls of wrappers", () => write(spans(spansMs, false)));
    await see(ledger, "write", () => write(labelled(nextMs())));
    await see(ledger, "merge", () => mergeMain(db, project, 20_000));
    await see(ledger, "write", () => write(labelled(nextMs())));
    await see(ledger, "merge", () => merge(db, Date.now, NO_TIME_LIMIT, { labelsWait: true }));
    await see(ledger, "write", () => write(labelled(nextMs())));
    // While there is something of each kind of row.
    await askAll(ledger);
    await see(ledger, "merge", () => merge(db, Date.now, NO_TIME_LIMIT));
  }

  await askAll("empty");
  await live("empty");
  await live("young");
  await analyze(owner);
  await fillDays(owner, unseen, project, { endMs: END_MS, perDay: CALLS_A_DAY, daysAtOnce: 30 });
  for (let i = 0; i < LABELLED_BATCHES; i++) await writeBatch(unseen, project, labelled(nextMs()));
  await merge(unseen, Date.now, NO_TIME_LIMIT);
  for (const table of ["rollup", "traces"]) await copyToOthers(owner, table);
  await owner.query(MORE_RESPONSES, [project, RESPONSES]);
  await live("grown");
  await analyze(owner);
  await live("full");
  return seen;
}

/** Beside those of the benchmarks: many groups with histograms, and labels. */
const MORE_QUESTIONS = [
  ["fine_day_latency", 90, "group_by=application,environment,model&interval=day&include=latency"],
  ["by_user", 30, "group_by=user"],
  ["by_tag_day", 90, "group_by=tag.team&interval=day"],
  ["one_user", 90, "user=user-1&interval=day&include=latency"],
] as const;

function labelled(endMs: number): PricedCall[] {
  return decodeNative(take(calls(endMs, String(endMs)), CALLS), END_MS).calls.map(priced);
}

/** Of traces with a wrapper and a call below it each, the wrappers or the calls. */
function spans(startMs: number, wrapper: boolean): PricedCall[] {
  return Array.from({ length: TRACES }, (_, i) =>
    priced(
      trace({
        startedAtMs: startMs + i,
        clientId: `${startMs}-${i}-${wrapper}`,
        traceId: `trace-${startMs}-${i}`,
        spanId: wrapper ? "above" : "below",
        parentId: wrapper ? null : "above",
        wrapper,
        billable: !wrapper,
        responseId: `response-${startMs}-${i}`,
      }),
    ),
  );
}

/** The months are as cron makes them. */
const PREPARE = `
do $$ declare t regclass; begin
  for t in select oid from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace loop
    execute format('alter table %s set (autovacuum_enabled = false)', t);
  end loop;
  perform foresee_statistics(to_regclass('traces_' || to_char(month, 'YYYY_MM')), month)
  from generate_series('2025-12-01Z'::timestamptz, '2026-02-01Z', '1 month') as month;
end $$`;

/** If no label is crowded, merging does not ask which values are known. */
const CROWD =
  "insert into crowded_labels (project_id, label, day) values ($1, 'tag.feature', $2) on conflict do nothing";

const RESPONSES = 20_000;
const MORE_RESPONSES = `
insert into responses (project_id, response, holder, detail, sightings)
select $1, md5(i::text)::uuid, md5('call' || i)::uuid, 0, array[md5('call' || i)::uuid] from generate_series(1, $2::int) as i`;

/** As autovacuum does, which leaves empty tables alone. */
async function analyze(owner: pg.Client): Promise<void> {
  const { rows } = await owner.query<{ names: string }>(`
    select string_agg(oid::regclass::text, ',') as names from pg_class
    where relkind = 'r' and relnamespace = 'public'::regnamespace and pg_relation_size(oid) > 0`);
  await owner.query(`vacuum analyze ${rows[0]!.names}`);
}

const OTHERS = ["b", "c"].map((digit) => `('${digit.repeat(8)}-0000-4000-8000-000000000000'::uuid)`).join();

/** Two other projects get the same rows. */
async function copyToOthers(owner: pg.Client, table: string): Promise<void> {
  const { rows } = await owner.query<{ names: string }>(
    `select string_agg(quote_ident(column_name), ',') as names from information_schema.columns
     where table_name = $1 and column_name <> 'project_id'`,
    [table],
  );
  const { names } = rows[0]!;
  await owner.query(`
    insert into ${table} (project_id, ${names}) select other, ${names}
    from ${table}, (values ${OTHERS}) as others (other)`);
}
