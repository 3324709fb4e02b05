/** The gauges are what Postgres itself says, over the driver that is tested. */
import { expect, it } from "vitest";
import { readDatabaseGauges } from "../../src/insight/gauges.ts";
import { connect } from "../../src/db/client.ts";
import { asOwner, ownDatabase } from "../own-database.ts";
import { limitedRole, session, waitsFor } from "./sessions.ts";

it("counts connections, and has their limit, sizes and ratios", async () => {
  const { url } = await ownDatabase();
  const db = asOwner({ url });
  const client = await session(url);
  await client.query(
    "insert into spans select gen_random_uuid(), '', '', null, now(), false from generate_series(1, 9)",
  );
  await client.query("select pg_stat_force_next_flush()");
  const gauges = await readDatabaseGauges(db);
  const { rows } = await client.query(
    "select current_setting('max_connections')::int as most, pg_database_size(current_database())::int as bytes",
  );
  expect(gauges.maxConnections).toBe(rows[0].most);
  expect(gauges.sizeBytes / rows[0].bytes).toBeCloseTo(1, 1);
  // This client is idle, and the gauges' own connection is active.
  expect(gauges.connections["idle"]).toBeGreaterThanOrEqual(1);
  expect(gauges.connections["active"]).toBeGreaterThanOrEqual(1);
  for (const ratio of [gauges.cacheHitRatio, gauges.indexHitRatio]) {
    expect(ratio).toBeGreaterThan(0);
    expect(ratio).toBeLessThanOrEqual(1);
  }
  expect(gauges).toMatchObject({ waitingLocks: 0, deadlocks: 0, longestTransactionSeconds: 0 });
});

it("counts the sessions that wait for a lock, and knows the oldest transaction", async () => {
  const { url } = await ownDatabase();
  const db = asOwner({ url });
  const [holder, first, second, watcher] = await Promise.all([session(url), session(url), session(url), session(url)]);
  await holder.query("begin; lock table rollup in access exclusive mode");
  await waitsFor(first!, watcher!, "select count(*) from rollup");
  await waitsFor(second!, watcher!, "select count(*) from rollup");
  const { waitingLocks, longestTransactionSeconds, connections } = await readDatabaseGauges(db);
  expect(waitingLocks).toBe(2);
  expect(longestTransactionSeconds).toBeGreaterThan(0);
  expect(connections["idle in transaction"]).toBeGreaterThanOrEqual(1);
  await holder.query("rollback");
});

it("counts deadlocks", async () => {
  const { url } = await ownDatabase();
  const db = asOwner({ url });
  const [one, other, watcher] = await Promise.all([session(url), session(url), session(url)]);
  await one.query("begin; set local deadlock_timeout = '5s'; lock table spans");
  await other.query("begin; set local deadlock_timeout = '10ms'; lock table responses");
  await waitsFor(one, watcher, "lock table responses");
  await expect(other.query("lock table spans")).rejects.toThrow("deadlock detected");
  await other.query("rollback");
  await other.query("select pg_stat_force_next_flush()");
  await other.query("select 1");
  expect((await readDatabaseGauges(db)).deadlocks).toBe(1);
});

it("counts sessions of other roles as hidden, if the role may not see what they do", async () => {
  const { url } = await ownDatabase();
  const owner = await session(url);
  const { role, url: limited } = await limitedRole(owner, url);
  const seen = await readDatabaseGauges(connect({ driver: "postgres", url: limited }));
  expect(seen.connections["hidden"]).toBeGreaterThanOrEqual(1);
  expect(seen.connections["active"]).toBe(1);
  expect(seen.sizeBytes).toBeGreaterThan(1_000_000);
  await owner.query(`drop role ${role}`);
});
