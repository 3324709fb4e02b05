/** What a database that is distributed changes. None is asked here: it only says that it is. */
import { expect, it, vi } from "vitest";
import type { Database } from "../../src/db/client.ts";
import { createReader } from "../../src/db/replica.ts";
import { byShard, isDistributed } from "../../src/db/shards.ts";

function saying(distributed: boolean) {
  const query = vi.fn(async () => [{ distributed }]);
  return { db: { query } as unknown as Database, query };
}

it("asks a database once whether it is distributed, and again if it did not answer", async () => {
  const { db, query } = saying(true);
  query.mockRejectedValueOnce(new Error("down"));
  await expect(isDistributed(db)).rejects.toThrow("down");
  expect(await Promise.all([isDistributed(db), isDistributed(db)])).toEqual([true, true]);
  expect(query).toHaveBeenCalledTimes(2);
});

it("leaves projects together where they are in one place", async () => {
  expect(await byShard(saying(false).db, ["b", "a"])).toEqual([["b", "a"]]);
  expect(await byShard(saying(false).db, [])).toEqual([]);
});

it("parts projects by shard where they are not", async () => {
  const query = vi.fn(async () => [
    { distributed: true, project_id: "a", shard: "102008" },
    { project_id: "c", shard: "102008" },
    { project_id: "b", shard: "102009" },
  ]);
  expect(await byShard({ query } as unknown as Database, ["a", "b", "c"])).toEqual([["a", "c"], ["b"]]);
});

it("asks no replica beside a distributed database, and says so once", async () => {
  const said = vi.spyOn(console, "error").mockImplementation(() => {});
  const primary = { query: vi.fn(async () => [{ distributed: true }]), batch: vi.fn(async () => [[]]) };
  const replica = { query: vi.fn(), batch: vi.fn() };
  const reader = createReader(primary as unknown as Database, replica as unknown as Database, () => 0);
  await reader.batch([]);
  await reader.batch([]);
  expect(await reader.lagSeconds()).toBeNull();
  expect(reader.counts).toEqual({ answered: 0, behind: 0, unavailable: 2 });
  expect([replica.query, replica.batch].flatMap(({ mock }) => mock.calls)).toEqual([]);
  expect(said.mock.calls).toEqual([[expect.stringContaining("The replica is not used: this database is Citus")]]);
  said.mockRestore();
});
