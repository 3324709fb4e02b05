/**
 * For tests that hold in both modes. In queue mode an answer comes before its calls are stored, and does not say what
 * became of them: a delivery waits until the Worker has stored all that was sent, and counts what is new then.
 */
import { sql } from "drizzle-orm";
import { expect, vi } from "vitest";
import type { Database } from "../../src/db/client.ts";
import type { CallQueue } from "../../src/queue/queue.ts";

export interface Deliveries {
  /** Sends calls of a project, and returns the answer once what it accepted is stored. */
  deliver(projectId: string, send: () => Promise<Response>): Promise<Response>;
  /** How many calls of the project were stored since the request of this answer was sent. */
  insertedBy(answer: Response): number;
  /** Queues of apps beside the Worker, which consumes what they send. */
  watch(queue: CallQueue): void;
}

/** @param metrics the Worker's own, in Prometheus' text form. */
export function createDeliveries(db: Database, metrics: () => Promise<string>): Deliveries {
  const watched: CallQueue[] = [];
  const inserted = new WeakMap<Response, number>();

  async function stored(projectId: string): Promise<number> {
    const [row] = await db.query(sql`select count(*)::int as n from traces where project_id = ${projectId}::uuid`);
    return Number(row!["n"]);
  }

  async function waiting(): Promise<number> {
    const text = await metrics();
    const counted = (event: string): number =>
      Number(new RegExp(`^llm_cost_queue_messages_total\\{event="${event}"\\} (\\d+)$`, "m").exec(text)![1]);
    const sent = watched.reduce((sum, { counts }) => sum + counts.messages.sent, counted("sent"));
    return sent - counted("stored") - counted("dead");
  }

  return {
    async deliver(projectId, send) {
      const before = await stored(projectId);
      const answer = await send();
      if (!answer.ok) return answer;
      await vi.waitFor(async () => expect(await waiting()).toBe(0), { timeout: 15_000, interval: 10 });
      inserted.set(answer, (await stored(projectId)) - before);
      return answer;
    },
    insertedBy: (answer) => inserted.get(answer)!,
    watch: (queue) => void watched.push(queue),
  };
}
