import { sql } from "drizzle-orm";
import { expect, it } from "vitest";
import { epochKey, repeatEpochMoves } from "../src/epoch.ts";
import { connectRedis } from "../src/redis.ts";
import { newProject, redis } from "./ledger.ts";
import { ownDatabase } from "./own-database.ts";

it("repeats the moves that writes could not do, and forgets each once Redis has taken it", async () => {
  // In a shared database another isolate would make them.
  const { db } = await ownDatabase();
  const projects = [await newProject(db), await newProject(db)];
  const due = async () => (await db.query(sql`select from projects where epoch_move_due_at is not null`)).length;
  const epochs = async () => {
    const reply = await redis().getMany(projects.map(epochKey));
    return reply.down ? "down" : reply.value.map((epoch) => epoch !== null);
  };
  await db.query(sql`update projects set epoch_move_due_at = now() where name = 'test'`);

  expect(await repeatEpochMoves({ db, redis: connectRedis("http://127.0.0.1:9", "any") })).toBe(false);
  expect([await due(), await epochs()]).toEqual([2, [false, false]]);

  expect(await repeatEpochMoves({ db, redis: redis() })).toBe(true);
  expect([await due(), await epochs()]).toEqual([0, [true, true]]);
});
