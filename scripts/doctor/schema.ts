/** What migrating makes: the schema, this version's routines, and partitions for the months to come. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { sql } from "drizzle-orm";
import { PREFIX } from "../../src/db/routine.ts";
import { ROUTINES } from "../../src/routines.ts";
import { type Check, counted, failed, ok, some, type Verdict, warning } from "./check.ts";
import { databaseOf, type Subject } from "./subject.ts";

const MONTHS_AHEAD = 3;
const MIGRATE = "Run DATABASE_URL='postgres://…' npm run migrate, with the role that owns the tables.";

export const SCHEMA: readonly Check[] = [
  { id: "database.migrations", title: "Migrations", needs: ["database"], run: judgeMigrations },
  {
    id: "database.routines",
    title: "Routines",
    needs: ["database"],
    async run(subject) {
      const names = ROUTINES.flatMap(({ routine }) => routine?.name ?? []);
      const rows = await databaseOf(subject).query(
        sql`select proname from pg_proc where starts_with(proname, ${PREFIX})`,
      );
      const present = new Set(rows.map(({ proname }) => proname));
      const missing = names.filter((name) => !present.has(name));
      if (missing.length === 0) return ok(counted(names.length, "routine"));
      return warning(
        `${counted(missing.length, "routine")} of this version missing`,
        `Small writes and receipts cost the database two to three times as much. ${MIGRATE}`,
      );
    },
  },
  { id: "database.partitions", title: "Partitions", needs: ["database"], run: judgePartitions },
];

interface Migration {
  tag: string;
  when: number;
}

async function judgeMigrations(subject: Subject): Promise<Verdict> {
  const text = await readFile(join(subject.folder, "drizzle/meta/_journal.json"), "utf8");
  const { entries: known } = JSON.parse(text) as { entries: Migration[] };
  const db = databaseOf(subject);
  const [there] = await db.query(sql`select to_regclass('drizzle.__drizzle_migrations') is not null as migrated`);
  if (there?.["migrated"] !== true) return failed("the database was never migrated", MIGRATE);
  const rows = await db.query(sql`select created_at::text as at from drizzle.__drizzle_migrations`);
  const applied = new Set(rows.map(({ at }) => Number(at)));
  const newestMs = Math.max(...applied);
  const missing = known.filter(({ when }) => !applied.has(when));
  // Migrating goes on after the newest one that is applied.
  const skippedOver = missing.filter(({ when }) => when < newestMs);
  const unknown = [...applied].filter((at) => !known.some(({ when }) => when === at)).length;
  if (skippedOver.length > 0) {
    return failed(
      `${names(skippedOver)} missing although a later one is applied`,
      "Migrating does not make up for it: run its file in drizzle/ by hand, then insert its row into drizzle.__drizzle_migrations.",
    );
  }
  if (missing.length > 0) return failed(`${counted(missing.length, "migration")} missing: ${names(missing)}`, MIGRATE);
  if (unknown > 0)
    return warning(
      `all ${known.length} applied, and ${unknown} that this checkout does not know`,
      "The database is newer than this checkout: examine it with the version that is deployed.",
    );
  return ok(`all ${known.length} applied, up to ${known.at(-1)!.tag}`);
}

const names = (migrations: readonly Migration[]): string => some(migrations.map(({ tag }) => tag));

/** Cron makes them each time it runs. */
async function judgePartitions(subject: Subject): Promise<Verdict> {
  const rows = await databaseOf(subject).query(sql`
    select to_char(month, 'YYYY_MM') as month, exists (
      select from pg_inherits
      where inhparent = to_regclass('traces') and inhrelid = to_regclass('traces_' || to_char(month, 'YYYY_MM'))
    ) as present
    from generate_series(0, ${MONTHS_AHEAD}) as ahead,
      lateral (select date_trunc('month', now() at time zone 'UTC') + ahead * interval '1 month' as month) m
    order by ahead`);
  const missing = rows.filter(({ present }) => present !== true).map(({ month }) => String(month));
  if (missing.length === 0) return ok(`this month and ${MONTHS_AHEAD} ahead`);
  const advice =
    "See if cron runs. To make them now, run as the owner: SELECT create_trace_partitions(current_date, (current_date + interval '3 months')::date).";
  const found = `${some(missing)} missing`;
  // Calls of this month or the next are refused soon; for later months there is time.
  const soon = rows.slice(0, 2).some(({ present }) => present !== true);
  return soon
    ? failed(found, `Calls that start in a month without partition are refused. ${advice}`)
    : warning(found, advice);
}
