/** What is in the ledger: what waits to be merged, whether sums are right, what could not be stored, and keys. */
import { sql } from "drizzle-orm";
import type { Row } from "../../src/db/client.ts";
import { LEVEL } from "../../src/ledger/levels.ts";
import { readRawSince } from "../../src/retention/kept.ts";
import { audit } from "../../src/rollup/audit.ts";
import { DAY_MS } from "../../src/time.ts";
import { type Check, counted, failed, lasting, ok, skipped, some, type Verdict, warning } from "./check.ts";
import { databaseOf, type Subject } from "./subject.ts";
import { ask } from "./worker.ts";

const AUDIT_MS = 20_000;
const WAITED_MS = { warning: 10 * 60_000, failed: 60 * 60_000 };
const UNUSED_DAYS = 90;
const EXPIRES_DAYS = 14;
const REPAIR = "Find the days with GET /v1/audit, and put them right with POST /v1/repair.";

export const LEDGER: readonly Check[] = [
  { id: "ledger.merging", title: "Merging", needs: ["database"], run: judgeMerging },
  { id: "ledger.epochs", title: "Cache epochs", needs: ["database"], run: judgeEpochs },
  { id: "ledger.jobs", title: "Repricing", needs: ["database"], run: judgeJobs },
  { id: "ledger.dead_letters", title: "Dead letters", needs: ["database"], run: judgeDeadLetters },
  { id: "ledger.unused_keys", title: "Unused keys", needs: ["database"], run: judgeUnusedKeys },
  { id: "ledger.expiring_keys", title: "Expiring keys", needs: ["database"], run: judgeExpiringKeys },
  { id: "ledger.audit", title: "Audit", uses: "database", limitMs: AUDIT_MS + 2_000, run: judgeAudit },
];

/** So many hours are looked at. */
const OLDEST = 20;

/**
 * A partial row has no time of its own. It is at least as old as the last call that was received for its hour, so a
 * group of the oldest ones is looked at.
 */
async function judgeMerging(subject: Subject): Promise<Verdict> {
  const db = databaseOf(subject);
  const waiting = await db.query(sql`
    select project_id, bucket from rollup where level = ${LEVEL.partial} order by project_id, label, bucket limit 1000`);
  const rows = waiting.length;
  if (rows === 0) return ok("nothing waits");
  const hours = new Map(waiting.map((row) => [`${String(row["project_id"])} ${Number(row["bucket"])}`, row]));
  const oldest = [...hours.values()].toSorted((a, b) => Number(a["bucket"]) - Number(b["bucket"])).slice(0, OLDEST);
  // One by one, because Citus must see the project.
  const waited = await db.batch(
    oldest.map((row) => {
      const start = sql`${new Date(Number(row["bucket"])).toISOString()}::timestamptz`;
      return sql`
        select extract(epoch from now() - max(t.received_at))::float8 * 1000 as ms from traces t
        where t.project_id = ${String(row["project_id"])}::uuid
          and t.id >= trace_id_at(${start}) and t.id < trace_id_at(${start} + interval '1 hour')`;
    }),
  );
  const waitedMs = Math.max(0, ...waited.map(([row]) => Number(row!["ms"] ?? 0)));
  const found = `${rows === 1_000 ? "1,000 or more" : counted(rows, "partial row").replace(/ .*/, "")} partial rows wait, one for ${lasting(waitedMs)} at least`;
  if (waitedMs < WAITED_MS.warning) return ok(found);
  const advice =
    "Answers are exact meanwhile, but slower. See if cron runs: [triggers] of wrangler.toml, and npx wrangler tail.";
  return waitedMs < WAITED_MS.failed ? warning(found, advice) : failed(found, advice);
}

/** Writes could not make cached answers stale, and cron has not made up for it. */
async function judgeEpochs(subject: Subject): Promise<Verdict> {
  const [row] = await databaseOf(subject).query(sql`
    select count(*)::int as due, coalesce(max(extract(epoch from now() - epoch_move_due_at)), 0)::float8 * 1000 as ms
    from projects where epoch_move_due_at is not null`);
  const due = Number(row!["due"]);
  if (due === 0) return ok("none is due");
  const found = `${counted(due, "project")} due, for ${lasting(Number(row!["ms"]))}`;
  return Number(row!["ms"]) < WAITED_MS.warning
    ? ok(found)
    : warning(found, "Redis refuses writes, so that answers come from the database. See if it is full or read-only.");
}

async function judgeJobs(subject: Subject): Promise<Verdict> {
  const rows = await databaseOf(subject).query(sql`
    select id, failures, error from reprice_jobs where done_at is null and cancelled_at is null
    order by failures desc, id limit 100`);
  if (rows.length === 0) return ok("no job is under way");
  const failing = rows.filter(({ failures }) => Number(failures) > 0);
  if (failing.length === 0) return ok(`${counted(rows.length, "job")} under way`);
  const { id, error } = failing[0]!;
  return warning(
    `${counted(failing.length, "job")} failing: ${String(error).slice(0, 200)}`,
    `See GET /v1/reprice/${String(id)}. It is tried again by itself.`,
  );
}

async function judgeDeadLetters(subject: Subject): Promise<Verdict> {
  const [row] = await databaseOf(subject).query(sql`
    select count(*)::int as n, extract(epoch from now() - min(died_at))::float8 * 1000 as ms from dead_letters`);
  const n = Number(row!["n"]);
  if (n === 0) return ok("none");
  return warning(
    `${counted(n, "message")}, the oldest ${lasting(Number(row!["ms"]))} old`,
    "Their calls were acknowledged but are not counted. Read GET /v1/dead-letters, then store them with POST /v1/dead-letters/replay.",
  );
}

async function columnsOfKeys(subject: Subject): Promise<Set<unknown>> {
  const rows = await databaseOf(subject).query(sql`
    select attname from pg_attribute where attrelid = to_regclass('api_keys') and attnum > 0 and not attisdropped`);
  return new Set(rows.map(({ attname }) => attname));
}

const named = (rows: readonly Row[]): string => some(rows.map(({ name }) => `"${String(name).slice(0, 60)}"`));

async function judgeUnusedKeys(subject: Subject): Promise<Verdict> {
  const columns = await columnsOfKeys(subject);
  if (!columns.has("last_used_at")) return skipped("this version does not record when a key was used", null);
  const current = columns.has("expires_at")
    ? sql`revoked_at is null and (expires_at is null or expires_at > now())`
    : sql`revoked_at is null`;
  const rows = await databaseOf(subject).query(sql`
    select name from api_keys
    where ${current} and coalesce(last_used_at, created_at) < now() - make_interval(days => ${UNUSED_DAYS})
    order by coalesce(last_used_at, created_at) limit 1000`);
  if (rows.length === 0) return ok("none");
  return warning(
    `${counted(rows.length, "key")} unused for ${UNUSED_DAYS} days: ${named(rows)}`,
    "If nobody needs them, revoke them: DELETE /v1/keys/{id}.",
  );
}

async function judgeExpiringKeys(subject: Subject): Promise<Verdict> {
  const columns = await columnsOfKeys(subject);
  if (!columns.has("expires_at")) return skipped("keys of this version do not expire", null);
  const rows = await databaseOf(subject).query(sql`
    select name from api_keys
    where revoked_at is null and expires_at > now() and expires_at < now() + make_interval(days => ${EXPIRES_DAYS})
    order by expires_at limit 1000`);
  if (rows.length === 0) return ok("none");
  return warning(
    `${counted(rows.length, "key")} within ${EXPIRES_DAYS} days: ${named(rows)}`,
    "Make new ones in time, and let the callers change over.",
  );
}

/** The days that were asked for, today first, of every project, as far as the time allows. */
async function judgeAudit(subject: Subject, signal: AbortSignal): Promise<Verdict> {
  if (subject.database === null) return await auditOverHttp(subject, signal);
  const db = databaseOf(subject, AUDIT_MS);
  const projects = (await db.query(sql`select id from projects order by created_at limit 1000`)).map(({ id }) =>
    String(id),
  );
  const today = Math.floor(subject.now() / DAY_MS) * DAY_MS;
  const sinceMs = Math.max(today - (subject.auditDays - 1) * DAY_MS, await readRawSince(db));
  const untilMs = performance.now() + AUDIT_MS;
  let audited = 0;
  let calls = 0;
  for (let day = today; day >= sinceMs; day -= DAY_MS) {
    for (const project of projects) {
      if (signal.aborted || performance.now() > untilMs)
        return warning(
          `not finished: ${audited} project days of ${projects.length * subject.auditDays} are right`,
          "Give it fewer days: --audit-days 1.",
        );
      const result = await audit(db, project, day, day + DAY_MS);
      if (!result.ok) return wrong(`project ${project}`, result.mismatches);
      calls += result.days.reduce((sum, { raw }) => sum + raw.requests, 0);
      audited++;
    }
  }
  return ok(
    `${counted(subject.auditDays, "day")} of ${counted(projects.length, "project")} right, ${counted(calls, "call")}`,
  );
}

interface Wrong {
  day: string;
  level: string;
  measure: string;
  raw: string;
  rollup: string;
}

function wrong(whose: string, mismatches: readonly Wrong[]): Verdict {
  const [{ day, level, measure, raw, rollup } = { day: "?", level: "?", measure: "?", raw: "?", rollup: "?" }] =
    mismatches;
  return failed(`${whose}: on ${day} ${measure} is ${rollup} in ${level} rows, and ${raw} by the calls`, REPAIR);
}

async function auditOverHttp(subject: Subject, signal: AbortSignal): Promise<Verdict> {
  if (subject.apiKey === null)
    return skipped(
      "neither a database nor a project's key is given",
      "Set DATABASE_URL, or name the variable of a key: --key-env LLM_COST_KEY.",
    );
  const fromMs = Math.floor(subject.now() / DAY_MS) * DAY_MS - (subject.auditDays - 1) * DAY_MS;
  const { status, body } = await ask(subject, `/v1/audit?from=${fromMs}`, signal, subject.apiKey);
  if (status !== 200) return failed(`${status}: ${body.slice(0, 200)}`, "The key needs the scope read.");
  const { ok: right, mismatches } = JSON.parse(body) as { ok: boolean; mismatches: Wrong[] };
  return right
    ? ok(`${counted(subject.auditDays, "day")} of the key's project right`)
    : wrong("the key's project", mismatches);
}
