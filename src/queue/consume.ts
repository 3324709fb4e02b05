/**
 * The receiving side of queue mode. A batch of messages becomes one write per project. A message is acknowledged once
 * its calls are stored. A message that fails comes again after a longer wait each time, and in the end goes to the
 * queue of dead letters. Calls that begin before the retention bound become dead letters at once.
 */
import { type RecordDeps, recordCalls } from "../write/record.ts";
import { DatabaseUnavailable } from "../db/client.ts";
import type { KeepAlive } from "../keep-alive.ts";
import type { Batch, Outcome } from "../write/write-batch.ts";
import { expiredOf, keepDeadLetters, type Letter } from "./dead-letters.ts";
import type { Counters } from "../telemetry/counters.ts";
import { readMessage } from "./message.ts";
import type { QueueCounts, CallQueue } from "./queue.ts";
import { errorLine } from "../telemetry/log-line.ts";

/** The end of the name of the queue of dead letters. */
const DEAD_LETTERS = "-dead-letters";
/** A wait is twice as long as the one before it, from one second up to this. */
const LONGEST_WAIT_SECONDS = 900;

export interface ConsumeDeps extends RecordDeps {
  /** Null in direct mode. No messages may come then. */
  queue: CallQueue | null;
  counters: Counters;
}

type QueueDeps = ConsumeDeps & { queue: CallQueue };

interface Delivery {
  message: Message;
  projectId: string;
  batch: Batch;
}

/** Never throws because of a message. Each message is acknowledged or comes again on its own. */
export async function consume(deps: ConsumeDeps, batch: MessageBatch, keepAlive: KeepAlive): Promise<void> {
  if (!hasQueue(deps)) throw new Error("a message came although INGEST_MODE is not queue");
  const { counts } = deps.queue;
  if (batch.queue.endsWith(DEAD_LETTERS)) return await keepAll(deps, batch.messages);
  const deliveries: Delivery[] = [];
  for (const message of batch.messages) {
    try {
      deliveries.push({ message, ...readMessage(message.body) });
    } catch (error) {
      comeAgain([message], counts, error);
    }
  }
  const byProject = Map.groupBy(deliveries, ({ projectId }) => projectId);
  await Promise.all([...byProject.values()].map((all) => storeAll(deps, all, keepAlive)));
  deps.counters.sendSometimes(keepAlive);
}

function hasQueue(deps: ConsumeDeps): deps is QueueDeps {
  return deps.queue !== null;
}

/** @param deliveries messages of one project. */
async function storeAll(deps: QueueDeps, deliveries: Delivery[], keepAlive: KeepAlive): Promise<void> {
  const { counts } = deps.queue;
  const messages = deliveries.map(({ message }) => message);
  const batches = deliveries.map(({ batch }) => batch);
  const together = {
    calls: batches.flatMap(({ calls }) => calls),
    links: batches.flatMap(({ links }) => links),
  };
  try {
    const outcomes = await recordCalls(deps, deliveries[0]!.projectId, together, keepAlive);
    await keepExpired(deps, deliveries, outcomes);
    for (const outcome of outcomes) counts.calls[outcome]++;
  } catch (error) {
    if (deliveries.length === 1 || error instanceof DatabaseUnavailable) return comeAgain(messages, counts, error);
    // One message is at fault. Each is stored alone, so that the others do not fail with it.
    for (const delivery of deliveries) await storeAll(deps, [delivery], keepAlive);
    return;
  }
  for (const message of messages) {
    message.ack();
    const lagMs = Math.max(deps.now() - message.timestamp.getTime(), 0);
    deps.counters.time("llm_cost_queue_lag_seconds", [], lagMs / 1_000);
  }
  counts.messages.stored += messages.length;
}

/**
 * Keeps the expired calls of these deliveries as dead letters.
 *
 * @param outcomes the outcomes of the deliveries' calls, one after the other.
 */
async function keepExpired(
  { db }: QueueDeps,
  deliveries: readonly Delivery[],
  outcomes: readonly Outcome[],
): Promise<void> {
  if (!outcomes.includes("expired")) return;
  let at = 0;
  const letters = deliveries.flatMap(({ message: { id }, projectId, batch }): Letter[] => {
    const body = expiredOf(projectId, batch, outcomes.slice(at, (at += batch.calls.length)));
    return body === null ? [] : [{ id, body }];
  });
  await keepDeadLetters(db, letters);
}

async function keepAll({ db, queue: { counts } }: QueueDeps, messages: readonly Message[]): Promise<void> {
  try {
    await keepDeadLetters(db, messages);
  } catch (error) {
    return comeAgain(messages, counts, error);
  }
  for (const message of messages) message.ack();
  counts.messages.dead += messages.length;
}

function comeAgain(messages: readonly Message[], counts: QueueCounts, error: unknown): void {
  for (const message of messages) {
    message.retry({ delaySeconds: Math.min(2 ** (message.attempts - 1), LONGEST_WAIT_SECONDS) });
  }
  counts.messages.retried += messages.length;
  console.error(errorLine("queue", { messages: messages.map(({ id }) => id) }, error));
}
