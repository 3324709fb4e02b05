/** The sending side of queue mode. A request's calls are acknowledged once the queue has them. */
import type { Batch, Outcome } from "../write/write-batch.ts";
import { MAX_MESSAGE_BYTES, packMessages } from "./message.ts";

/** The queue did not take all messages. The caller may try again later. */
export class QueueUnavailable extends Error {
  override name = "QueueUnavailable";
}

/** Counters of this isolate since it started. */
export interface QueueCounts {
  messages: { sent: number; refused: number; stored: number; retried: number; dead: number };
  calls: Record<Outcome, number>;
}

/** The messages that wait in the queue, from all isolates. */
export interface Backlog {
  messages: number;
  bytes: number;
  /** Epoch ms. Null if no message waits. */
  oldestMs: number | null;
}

export interface CallQueue {
  /**
   * Sends a batch. Returns the calls and links that are too large for a message, which the caller must store itself.
   * The queue has all others then.
   *
   * @throws QueueUnavailable if the queue may lack a part of the batch. Sending all of it again is safe.
   */
  send(projectId: string, batch: Batch): Promise<Batch>;
  /** Null if the queue does not answer. */
  backlog(): Promise<Backlog | null>;
  readonly counts: QueueCounts;
}

/** The limits of a queue for one sending: 100 messages, and 256 KB including what the queue adds. */
const MAX_MESSAGES = 100;
const MAX_BYTES = 2 * MAX_MESSAGE_BYTES;

export function createCallQueue(queue: Queue): CallQueue {
  const counts: QueueCounts = {
    messages: { sent: 0, refused: 0, stored: 0, retried: 0, dead: 0 },
    calls: { inserted: 0, duplicate: 0, conflict: 0, expired: 0 },
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
        throw new QueueUnavailable("the queue did not take all messages", { cause: error });
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
