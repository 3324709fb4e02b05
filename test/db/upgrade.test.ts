/**
 * The upgrade from the release before, with traffic on: this version writes, merges and reads while the migrations run.
 * Nothing is lost or doubled, and nothing fails for good. The columns and the table that this version's statements need
 * are there before, and the migrations that make them run once more.
 */
import { randomUUID } from "node:crypto";
import { sql } from "drizzle-orm";
import pg from "pg";
import { expect, it } from "vitest";
import { migrate } from "../../scripts/local/migrate.ts";
import { DatabaseUnavailable } from "../../src/db/client.ts";
import { audit } from "../../src/rollup/audit.ts";
import { compact } from "../../src/rollup/compact.ts";
import { mergeStep } from "../../src/rollup/merge.ts";
import { parseSummaryQuery } from "../../src/summary/query.ts";
import { summarize } from "../../src/summary/summarize.ts";
import { writeBatch } from "../../src/write/write-batch.ts";
import { priced, trace } from "../calls.ts";
import { migrationsAfter, migrationsTo } from "../migrations.ts";
import { ownDatabase } from "../own-database.ts";

const BEFORE = "0019_corrections";
const NEEDED = ["0026_joined_reports", "0028_cost_is", "0030_covered_by", "0032_filled", "0034_joined"];
const START = Date.UTC(2026, 2, 10);
const END = START + 86_400_000;
const WRITERS = 3;

it("loses, doubles and refuses nothing while traffic goes on", async () => {
  const { db, url } = await ownDatabase(undefined, undefined, await migrationsTo(BEFORE));
  const { folder: migrationsFolder, statements } = await migrationsAfter(...NEEDED);
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  for (const statement of statements) await client.query(statement);
  // By this version's statements, but not its schema.
  const project = randomUUID();
  await db.query(sql`insert into projects (id, name) values (${project}::uuid, 'test')`);
  const sent = new Set<string>();
  const failures: unknown[] = [];
  let migrated = false;
  /** As a client does: again after a failure that may pass. */
  const patiently = async <T>(run: () => Promise<T>): Promise<T> => {
    for (;;) {
      try {
        return await run();
      } catch (error) {
        if (!(error instanceof DatabaseUnavailable)) throw error;
        failures.push(error);
      }
    }
  };
  const batchOf = (writer: number, round: number) =>
    Array.from({ length: 10 }, (_, i) => {
      const clientId = `${writer}-${round}-${i}`;
      const inTrace = i % 3 === 0 && { traceId: `t-${writer}-${round % 4}`, spanId: clientId };
      return trace({
        clientId,
        startedAtMs: START + (round * 7 + i) * 1_000,
        userId: `user-${i % 4}`,
        tags: { team: `team-${writer}` },
        // Another writer reports the same response.
        ...(i % 5 === 0 && { responseId: `response-${round}-${i}-shared`, cacheReadTokens: writer }),
        ...inTrace,
      });
    });
  const writer = async (number: number): Promise<void> => {
    for (let round = 0, after = 0; after < 5; round++) {
      if (migrated) after++;
      const calls = batchOf(number, round);
      for (const { id } of calls) sent.add(id);
      // Sent twice, as after an answer that was lost.
      for (let i = 0; i < 2; i++) await patiently(() => writeBatch(db, project, calls.map(priced)));
    }
  };
  const ended = new AbortController();
  const until = async (run: () => Promise<unknown>): Promise<void> => {
    while (!ended.signal.aborted) await patiently(run);
  };
  const everything = parseSummaryQuery(new URLSearchParams(`from=${START}&to=${END}&group_by=user`), END);
  let last = 0;
  const reading = until(async () => {
    const { totals } = await summarize(db, project, everything, END);
    expect(totals.requests).toBeGreaterThanOrEqual(last);
    last = totals.requests;
  });
  const merging = until(async () => {
    await mergeStep(db, 200);
    await compact(db, Date.now, Number.POSITIVE_INFINITY);
  });
  const migrating = async (): Promise<void> => {
    while (sent.size < 200) await new Promise((resolve) => setImmediate(resolve));
    await migrate(url, { migrationsFolder }).finally(() => (migrated = true));
  };
  const writing = Promise.all([migrating(), ...Array.from({ length: WRITERS }, (_, i) => writer(i))]);
  await Promise.all([writing.finally(() => ended.abort()), reading, merging]);

  const { rows } = await client.query<{ id: string }>("select id from traces where project_id = $1", [project]);
  await client.end();
  expect(new Set(rows.map(({ id }) => id))).toEqual(sent);
  expect(await audit(db, project, START, END)).toMatchObject({ ok: true, mismatches: [] });
  // What was tried again were at most the statements that a migration stood in the way of.
  expect(failures.length).toBeLessThan(20);
});
