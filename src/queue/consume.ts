/**
 * The receiving side of queue mode: a batch of messages becomes one write a project. A message is acknowledged once its
 * traces are stored; what fails comes again, later each time, and in the end goes to the queue of dead letters. Calls
 * that are too old by then to be stored are dead letters at once.
 */
import { DatabaseUnavailable } from "../db/client.ts";
import type { Deps, KeepAlive } from "../deps.ts";
import { store } from "../ingest/store.ts";
import type { Batch } from "../ingest/trace-writer.ts";
import type { Outcome } from "../ingest/write.ts";
import { expiredOf, keepDeadLetters, type Letter } from "./dead-letters.ts";
import { readMessage } from "./message.ts";
import type { QueueCounts, TraceQueue } from "./queue.ts";

/** How the name of the queue of dead letters ends. */
const DEAD_LETTERS = "-dead-letters";
/** Waits double from one second up to this. */
const LONGEST_WAIT_SECONDS = 900;

type ConsumerDeps = Deps & { queue: TraceQueue };

interface Delivery {
  message: Message;
  projectId: string;
  batch: Batch;
}

/** Never throws for a message: each is acknowledged or comes again by itself. */
export async function consume(deps: Deps, batch: MessageBatch, keepAlive: KeepAlive): Promise<void> {
  if (!hasQueue(deps)) throw new Error("messages come although INGEST_MODE is not queue");
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
}

function hasQueue(deps: Deps): deps is ConsumerDeps {
  return deps.queue !== null;
}

/** @param deliveries of one project. */
async function storeAll(deps: ConsumerDeps, deliveries: Delivery[], keepAlive: KeepAlive): Promise<void> {
  const { counts } = deps.queue;
  const messages = deliveries.map(({ message }) => message);
  const batches = deliveries.map(({ batch }) => batch);
  const together = {
    traces: batches.flatMap(({ traces }) => traces),
    links: batches.flatMap(({ links }) => links),
  };
  try {
    const outcomes = await store(deps, deliveries[0]!.projectId, together, keepAlive);
    await keepExpired(deps, deliveries, outcomes);
    for (const outcome of outcomes) counts.traces[outcome]++;
  } catch (error) {
    if (deliveries.length === 1 || error instanceof DatabaseUnavailable) return comeAgain(messages, counts, error);
    // One of them is at fault; the others must not fail with it.
    for (const delivery of deliveries) await storeAll(deps, [delivery], keepAlive);
    return;
  }
  for (const message of messages) {
    message.ack();
    counts.lagSeconds += Math.max(deps.now() - message.timestamp.getTime(), 0) / 1_000;
  }
  counts.messages.stored += messages.length;
}

/** @param outcomes of the deliveries' traces, one after the other. */
async function keepExpired(
  { db }: ConsumerDeps,
  deliveries: readonly Delivery[],
  outcomes: readonly Outcome[],
): Promise<void> {
  if (!outcomes.includes("expired")) return;
  let at = 0;
  const letters = deliveries.flatMap(({ message: { id }, projectId, batch }): Letter[] => {
    const body = expiredOf(projectId, batch, outcomes.slice(at, (at += batch.traces.length)));
    return body === null ? [] : [{ id, body }];
  });
  await keepDeadLetters(db, letters);
}

async function keepAll({ db, queue: { counts } }: ConsumerDeps, messages: readonly Message[]): Promise<void> {
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
  const reason = error instanceof Error ? `${error.name}: ${error.message.slice(0, 500)}` : "unknown";
  console.error(JSON.stringify({ level: "error", messages: messages.map(({ id }) => id), error: reason }));
}
