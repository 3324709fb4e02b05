/** Calls of a batch share what is sent of them. It is stored as if each had been sent alone. */
import { sql } from "drizzle-orm";
import fc from "fast-check";
import { expect, it } from "vitest";
import type { Database } from "../../src/db/client.ts";
import type { Call } from "../../src/ledger/call.ts";
import { audit } from "../../src/rollup/audit.ts";
import { DAY_MS } from "../../src/time.ts";
import { writeBatch } from "../../src/write/write-batch.ts";
import { priced, traces } from "../calls.ts";
import { database, newProject } from "../ledger.ts";

const db = database();
const START_MS = Date.UTC(2025, 6, 1);

const CALLS = fc.sample(
  fc
    .tuple(
      traces(START_MS),
      fc.record({
        // The text is not taken for a value that is missing.
        requestModel: fc.constantFrom(null, "null", "NULL", ""),
        errorType: fc.constantFrom(null, "null", "="),
        unknownUsageMembers: fc.constantFrom<string[]>([], ["a"], ["a", "b"], ["null"]),
        wrapper: fc.boolean(),
      }),
    )
    .map(([call, changes]): Call => ({ ...call, ...changes })),
  { numRuns: 150, seed: 18 },
);

const own = ({ id, clientId, startedAtMs }: Call) => ({ id, clientId, startedAtMs });

async function stored(db: Database, project: string): Promise<unknown> {
  const calls = await db.query(
    sql`select to_jsonb(t) - '{project_id,received_at}'::text[] as row from traces t where project_id = ${project} order by id`,
  );
  const labels = await db.query(
    sql`select to_jsonb(r) - '{project_id}'::text[] as row from rollup r where project_id = ${project} and label = '*' order by row`,
  );
  return { calls, labels };
}

it.each([
  ["of many kinds", CALLS],
  [
    "that differ in few values",
    CALLS.map((call): Call => ({
      ...CALLS[0]!,
      ...own(call),
      requestModel: call.requestModel,
      errorType: call.errorType,
    })),
  ],
  ["of one kind, without tags", CALLS.map((call): Call => ({ ...CALLS[0]!, ...own(call), tags: {} }))],
])("stores many calls as it stores each alone: %s", async (_, calls) => {
  const [together, alone] = [await newProject(db), await newProject(db)];
  expect(calls.length).toBeGreaterThan(100);
  await writeBatch(db, together, calls.map(priced));
  for (const call of calls) await writeBatch(db, alone, [priced(call)]);
  expect(await stored(db, together)).toEqual(await stored(db, alone));
  const { ok, days } = await audit(db, together, START_MS, START_MS + 4 * DAY_MS);
  expect({ ok, days: days.length }).toEqual({ ok: true, days: 3 });
});
