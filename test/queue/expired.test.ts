/** Calls that were acknowledged, and by the time that they are delivered begin before calls are kept. */
import { createDeps, type Deps } from "../../src/deps.ts";
import { parseConfig } from "../../src/config.ts";
import { sql } from "drizzle-orm";
import { expect, inject, it } from "vitest";
import { createProject } from "../../src/keys.ts";
import { consume } from "../../src/queue/consume.ts";
import { deleteDeadLetter, listDeadLetters } from "../../src/queue/dead-letter-page.ts";
import { replayDeadLetters } from "../../src/queue/dead-letters.ts";
import { packMessages, readMessage } from "../../src/queue/message.ts";
import { createCallQueue } from "../../src/queue/queue.ts";
import { ownDatabase, retainAt } from "../own-database.ts";
import { priced, trace } from "../calls.ts";

/** Calls are kept from 2026-03-03 on. */
const NOW = Date.UTC(2026, 2, 20, 3);
const KEPT = NOW - 5 * 86_400_000;
const EXPIRED = NOW - 60 * 86_400_000;

async function open() {
  const { db } = await ownDatabase();
  await retainAt(db, NOW, { rawRetentionDays: 10 });
  const config = parseConfig(inject("bindings"));
  const deps = createDeps(config, { db, queue: createCallQueue({} as Queue), now: () => NOW });
  const { id: projectId } = await createProject(db, "test");
  const messageOf = (starts: Record<string, number>): string => {
    const calls = Object.entries(starts).map(([clientId, startedAtMs]) => priced(trace({ clientId, startedAtMs })));
    return packMessages(projectId, { calls, links: [] }).messages[0]!;
  };
  const stored = async (): Promise<string[]> =>
    (await db.query(sql`select client_id from traces order by client_id`)).map((row) => String(row["client_id"]));
  return { db, deps, projectId, messageOf, stored };
}

const ignore = (work: Promise<unknown>): void => void work.catch(() => undefined);

/** Delivers bodies as one batch. Returns how often each message was acknowledged. */
async function deliver(deps: Deps, bodies: Record<string, string>): Promise<Record<string, number>> {
  const acked: Record<string, number> = {};
  const messages = Object.entries(bodies).map(([id, body]) => ({
    id,
    body,
    attempts: 1,
    timestamp: new Date(NOW),
    ack: () => (acked[id] = (acked[id] ?? 0) + 1),
    retry: () => expect.unreachable(),
  }));
  await consume(deps, { queue: "llm-cost-traces", messages } as unknown as MessageBatch, ignore);
  return acked;
}

it("are dead letters, and the others are stored", async () => {
  const { db, deps, projectId, messageOf, stored } = await open();
  const bodies = {
    m1: messageOf({ a: KEPT, b: EXPIRED, c: KEPT }),
    m2: messageOf({ d: KEPT }),
    m3: messageOf({ e: EXPIRED, f: EXPIRED }),
  };
  expect(await deliver(deps, bodies)).toEqual({ m1: 1, m2: 1, m3: 1 });
  // An acknowledgement may get lost.
  await deliver(deps, bodies);
  expect(await stored()).toEqual(["a", "c", "d"]);
  expect(deps.queue!.counts.calls).toEqual({ inserted: 3, duplicate: 3, conflict: 0, expired: 6 });

  const { dead_letters } = await listDeadLetters(db, projectId, { limit: 10, cursor: undefined });
  expect(dead_letters).toMatchObject([
    { id: "m1", project_id: projectId, reason: "expired", calls: 1 },
    { id: "m3", project_id: projectId, reason: "expired", calls: 2 },
  ]);
  const [letter] = await db.query(sql`select body from dead_letters where id = 'm1'`);
  expect(readMessage(letter!["body"]).batch.calls.map(({ call }) => call.clientId)).toEqual(["b"]);
});

it("stay dead letters when they are replayed, until they are deleted", async () => {
  const { db, deps, projectId, messageOf, stored } = await open();
  await deliver(deps, { m1: messageOf({ a: EXPIRED }) });
  // Given up for another reason, with a call that expired since.
  await db.query(sql`
    insert into dead_letters (project_id, id, body)
    values (${projectId}::uuid, 'm2', ${messageOf({ b: EXPIRED, c: KEPT })})`);
  const list = async () => (await listDeadLetters(db, null, { limit: 10, cursor: undefined })).dead_letters;
  expect(await list()).toMatchObject([
    { id: "m1", reason: "expired", calls: 1 },
    { id: "m2", reason: "failed", calls: 2 },
  ]);
  for (let i = 0; i < 2; i++) {
    const { replayed, failed, remaining } = await replayDeadLetters(deps, ignore);
    expect({ replayed, remaining }).toEqual({ replayed: 0, remaining: 2 });
    expect(failed.toSorted((a, b) => a.id.localeCompare(b.id))).toEqual([
      { id: "m1", error: "Expired" },
      { id: "m2", error: "Expired" },
    ]);
  }
  expect(await stored()).toEqual(["c"]);
  expect(await list()).toMatchObject([
    { id: "m1", reason: "expired", calls: 1 },
    { id: "m2", reason: "expired", calls: 1 },
  ]);
  expect([await deleteDeadLetter(db, projectId, "m1"), await deleteDeadLetter(db, projectId, "m1")]).toEqual([
    true,
    false,
  ]);
  expect((await list()).map(({ id }) => id)).toEqual(["m2"]);
});
