/**
 * For tests that hold in both modes. In queue mode an answer comes before its calls are stored, and does not say what
 * became of them: a delivery waits until the Worker has stored all that was sent, and counts what is new then.
 */
import { sql } from "drizzle-orm";
import { expect, vi } from "vitest";
import type { Database } from "../../src/db/client.ts";
import worker from "../../src/index.ts";

export interface Deliveries {
  /** Sends calls of a project, and returns the answer once what it accepted is stored. */
  deliver(projectId: string, send: () => Promise<Response>): Promise<Response>;
  /** How many calls of the project were stored since the request of this answer was sent. */
  insertedBy(answer: Response): number;
}

/** @param queue the binding that the Worker and all apps beside it send to. The Worker consumes what they send. */
export function createDeliveries(db: Database, queue: Queue): Deliveries {
  const inserted = new WeakMap<Response, number>();
  let sent = 0;
  let acknowledged = 0;

  const { sendBatch } = queue;
  queue.sendBatch = async (messages, ...options) => {
    const all = [...messages];
    const answer = await sendBatch.call(queue, all, ...options);
    sent += all.length;
    return answer;
  };
  const handler: ExportedHandler = worker;
  const consume = handler.queue!;
  handler.queue = async (batch, ...rest) => {
    const messages = batch.messages.map((message) => ({
      id: message.id,
      timestamp: message.timestamp,
      body: message.body,
      attempts: message.attempts,
      retry: message.retry.bind(message),
      ack() {
        message.ack();
        acknowledged++;
      },
    }));
    const counted = {
      queue: batch.queue,
      messages,
      ackAll: () => batch.ackAll(),
      retryAll: (options?: QueueRetryOptions) => batch.retryAll(options),
    };
    return await consume(counted as unknown as typeof batch, ...rest);
  };

  async function stored(projectId: string): Promise<number> {
    const [row] = await db.query(sql`select count(*)::int as n from traces where project_id = ${projectId}::uuid`);
    return Number(row!["n"]);
  }

  return {
    async deliver(projectId, send) {
      const before = await stored(projectId);
      const answer = await send();
      if (!answer.ok) return answer;
      await vi.waitFor(() => expect(sent - acknowledged).toBe(0), { timeout: 15_000, interval: 10 });
      inserted.set(answer, (await stored(projectId)) - before);
      return answer;
    },
    insertedBy: (answer) => inserted.get(answer)!,
  };
}
