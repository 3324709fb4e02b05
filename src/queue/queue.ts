/** The sending side of queue mode: a request's traces are acknowledged once the queue has them. */
import type { Batch } from "../ingest/trace-writer.ts";
import type { Outcome } from "../ingest/write.ts";
import { MAX_MESSAGE_BYTES, packMessages } from "./message.ts";

/** The queue did not take all of it: the caller may try again later. */
export class QueueUnavailable extends Error {
  override name = "QueueUnavailable";
}

/** What this isolate did since it began. */
export interface QueueCounts {
  messages: { sent: number; refused: number; stored: number; retried: number; dead: number };
  traces: Record<Outcome, number>;
  /** From sent to stored, of all messages stored. */
  lagSeconds: number;
}

/** What waits in the queue, whoever sent it. */
export interface Backlog {
  messages: number;
  bytes: number;
  /** Epoch ms; null when nothing waits. */
  oldestMs: number | null;
}

export interface TraceQueue {
  /**
   * Returns once the queue has the batch, but for what is too large for a message: the caller must store that itself.
   *
   * @throws QueueUnavailable when the queue may not have all of it; sending all of it again is safe.
   */
  send(projectId: string, batch: Batch): Promise<Batch>;
  /** Null when the queue does not say. */
  backlog(): Promise<Backlog | null>;
  readonly counts: QueueCounts;
}

/** What a queue takes at once: 100 messages, 256 KB with what is its own. */
const MAX_MESSAGES = 100;
const MAX_BYTES = 2 * MAX_MESSAGE_BYTES;

export function createTraceQueue(queue: Queue): TraceQueue {
  const counts: QueueCounts = {
    messages: { sent: 0, refused: 0, stored: 0, retried: 0, dead: 0 },
    traces: { inserted: 0, duplicate: 0, conflict: 0, expired: 0 },
    lagSeconds: 0,
  };
  return {
    counts,
    async send(projectId, batch) {
      const { messages, rest } = packMessages(projectId, batch);
      let sent = 0;
      try {
        await Promise.all(
          groupsOf(messages).map(async (group) => {
            await queue.sendBatch(group.map((body) => ({ body, contentType: "text" })));
            counts.messages.sent += group.length;
            sent += group.length;
          }),
        );
      } catch (error) {
        counts.messages.refused += messages.length - sent;
        throw new QueueUnavailable("the queue did not take it", { cause: error });
      }
      return rest;
    },
    async backlog() {
      try {
        const { backlogCount, backlogBytes, oldestMessageTimestamp } = await queue.metrics();
        const oldestMs = backlogCount === 0 ? null : (oldestMessageTimestamp?.getTime() ?? null);
        return { messages: backlogCount, bytes: backlogBytes, oldestMs };
      } catch {
        return null;
      }
    },
  };
}

function groupsOf(messages: readonly string[]): string[][] {
  const encoder = new TextEncoder();
  const groups: string[][] = [];
  let bytes = Infinity;
  for (const message of messages) {
    const own = encoder.encode(message).length;
    const last = groups.at(-1);
    if (last === undefined || last.length === MAX_MESSAGES || bytes + own > MAX_BYTES) {
      groups.push([message]);
      bytes = own;
    } else {
      last.push(message);
      bytes += own;
    }
  }
  return groups;
}
