/** An audit of any size is made of statements that read a bounded part, and finds the same as one statement would. */
import { sql } from "drizzle-orm";
import { expect, it } from "vitest";
import type { Database } from "../../src/db/client.ts";
import { audit } from "../../src/rollup/audit.ts";
import { mergeStep } from "../../src/rollup/merge.ts";
import { DAY_MS, HOUR_MS } from "../../src/time.ts";
import { writeBatch } from "../../src/write/write-batch.ts";
import { priced, trace } from "../calls.ts";
import { ownDatabase } from "../own-database.ts";

/** A Thursday, so that the second week begins on the fifth day. */
const START = Date.UTC(2025, 4, 1);
const END = START + 8 * DAY_MS;

it("takes an audit apart by days, weeks and families, and misses nothing", async () => {
  const { db } = await ownDatabase();
  const project = "00000000-0000-4000-8000-000000000000";
  const write = async (from: number, to: number): Promise<void> => {
    const calls = Array.from({ length: to - from }, (_, k) => {
      const i = from + k;
      const tags = { team: `t${i % 7}`, feature: `f${i % 3}` };
      const startedAtMs = START + (i % 8) * DAY_MS + (i % 5) * HOUR_MS;
      return priced(trace({ startedAtMs, clientId: `c${i}`, model: `m${i % 20}`, userId: `u${i}`, tags }));
    });
    await writeBatch(db, project, calls);
  };
  await write(0, 200);
  await mergeStep(db, 10_000);
  await write(200, 260);
  let statements = 0;
  const counting: Database = {
    ...db,
    query: (query) => (statements++, db.query(query)),
    batch: (queries) => (statements++, db.batch(queries)),
  };
  const inParts = async (maxRead: number) => {
    statements = 0;
    return { audited: await audit(counting, project, START, END, maxRead), statements };
  };
  const whole = await inParts(1_000_000);
  expect(whole.audited).toMatchObject({
    ok: true,
    days: Array.from({ length: 8 }, () => ({ difference: { requests: 0 } })),
  });
  // The sizes, the days, the weeks.
  expect(whole.statements).toBe(3);
  const single = await inParts(1);
  expect(single.audited).toEqual(whole.audited);
  // 8 days of 4 main families and 3 labels each, and 2 weeks of 4 main families.
  expect(single.statements).toBe(1 + 8 * 7 + 2 * 4);
  const some = await inParts(300);
  expect(some.audited).toEqual(whole.audited);
  expect(some.statements).toBeGreaterThan(3);
  expect(some.statements).toBeLessThan(single.statements);

  // A wrong row of each family at each level, and one row of a family that no call has.
  await db.query(sql`
    update rollup set requests = requests + 1000 + level
    where ctid in (select min(ctid) from rollup where level > 0 group by level, label)`);
  await db.query(sql`
    insert into rollup select made.* from (
      select * from rollup r where level > 0 and label = 'tag.team' limit 1
    ) r, jsonb_populate_record(null::rollup, to_jsonb(r) || '{"label": "tag.nobody"}') made`);
  const wrong = await inParts(1_000_000);
  expect(wrong.audited.ok).toBe(false);
  expect(new Set(wrong.audited.mismatches.map(({ level }) => level))).toEqual(new Set(["hour", "day", "week"]));
  expect(wrong.audited.mismatches.map(({ label }) => label)).toContain("tag.nobody");
  const byKey = ({ audited }: typeof wrong) => ({
    ...audited,
    mismatches: audited.mismatches.map((one) => JSON.stringify(one)).sort(),
  });
  for (const maxRead of [1, 50, 300]) expect(byKey(await inParts(maxRead))).toEqual(byKey(wrong));
});
