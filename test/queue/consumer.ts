/** What tests of the consumer share: its dependencies, some of which fail, and messages delivered to it by hand. */
/// <reference types="@cloudflare/vitest-plugin/types" />
import { createDeps, type Deps } from "../../src/deps.ts";
import { createExecutionContext, createMessageBatch, getQueueResult } from "cloudflare:test";
import { sql } from "drizzle-orm";
import { vi } from "vitest";
import type { Database } from "../../src/db/client.ts";
import { consume } from "../../src/queue/consume.ts";
import { packMessages } from "../../src/queue/message.ts";
import { createCallQueue } from "../../src/queue/queue.ts";
import { config, db, type Ledger, MONDAY, redis } from "../http/ledger.ts";
import { priced, trace } from "../calls.ts";

const QUEUE = "llm-cost-traces";
export const queue = config.queue!;

export function depsWith(database: Database): Deps {
  return createDeps(config, { db: database, redis, queue: createCallQueue(queue) });
}

/** Fails where a test says so. */
export function failingWhere(fails: (values: readonly unknown[]) => Error | undefined): Database {
  const run: Database["run"] = async (statement, values) => {
    const error = fails(values);
    if (error) throw error;
    return await db.run(statement, values);
  };
  const batch: Database["batch"] = async (queries) => {
    const error = fails(queries.flatMap((query) => ("values" in query ? query.values : [])));
    if (error) throw error;
    return await db.batch(queries);
  };
  return { ...db, run, batch };
}

let messages = 0;

/** Delivers bodies to the consumer as one batch. */
export async function deliver(deps: Deps, bodies: unknown[], queueName = QUEUE, attempts = 1) {
  const batch = createMessageBatch(
    queueName,
    bodies.map((body) => ({
      id: `message-${crypto.randomUUID()}-${++messages}`,
      timestamp: Date.now(),
      attempts,
      body,
    })),
  );
  const delays = batch.messages.map(() => undefined as number | undefined);
  for (const [at, message] of batch.messages.entries()) {
    const { retry } = message;
    vi.spyOn(message, "retry").mockImplementation((options) => {
      delays[at] = options?.delaySeconds;
      retry.call(message, options);
    });
  }
  const ctx = createExecutionContext();
  await consume(deps, batch, (work) => ctx.waitUntil(work));
  const { explicitAcks, retryMessages } = await getQueueResult(batch, ctx);
  const positionOf = (id: string): number => batch.messages.findIndex((message) => message.id === id);
  return {
    acked: explicitAcks.map(positionOf),
    retried: retryMessages.map(({ msgId }) => [positionOf(msgId), delays[positionOf(msgId)]]),
  };
}

export function messageOf(projectId: string, ...ids: string[]): string {
  const calls = ids.map((clientId) => priced(trace({ startedAtMs: MONDAY, clientId })));
  return packMessages(projectId, { calls, links: [] }).messages[0]!;
}

export async function requests({ projectId }: Ledger): Promise<number> {
  const [row] = await db.query(sql`select count(*)::int as n from traces where project_id = ${projectId}::uuid`);
  return Number(row!["n"]);
}
