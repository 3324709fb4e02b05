/** Between the Worker and the queues of this machine: a binding that sends to them, and a loop that delivers. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Handlers } from "./handlers.ts";
import { CALLS_QUEUE, DEAD_LETTERS_QUEUE, type PulledMessage, type Settlement } from "./queue-endpoint.ts";

/** As many messages at once as `wrangler.toml` allows. */
const MOST_MESSAGES = 20;
const BETWEEN_PULLS_MS = 100;
/** How long the end waits for the messages that are due. */
const DRAIN_MS = 5_000;

/** The Worker that is the binding. It has the two methods of `Queue` that ingest calls. */
const BINDING = `
import { WorkerEntrypoint } from "cloudflare:workers";
export default class extends WorkerEntrypoint {
  async #ask(path, input) {
    const response = await fetch(this.env.URL + path, { method: "POST", body: JSON.stringify(input) });
    if (!response.ok) throw new Error("the queue answers " + response.status + ": " + (await response.text()));
    return response.json();
  }
  async sendBatch(messages) {
    await this.#ask("/send", { queue: this.env.QUEUE, bodies: messages.map(({ body }) => body) });
  }
  async metrics() {
    const { messages, bytes, oldestMs } = await this.#ask("/metrics", { queue: this.env.QUEUE });
    const oldestMessageTimestamp = oldestMs === null ? undefined : new Date(oldestMs);
    return { backlogCount: messages, backlogBytes: bytes, oldestMessageTimestamp };
  }
}`;

export const QUEUE_WORKER = "queue";

/** The options of Miniflare's third Worker. */
export function queueWorker(url: string, compatibilityDate: string) {
  return {
    name: QUEUE_WORKER,
    modules: true,
    script: BINDING,
    compatibilityDate,
    bindings: { URL: url, QUEUE: CALLS_QUEUE },
  };
}

/**
 * Delivers what is due until it is stopped. A Worker that fails leaves its messages in the queue.
 *
 * @returns stops it, once nothing is due any more or 5 s have passed.
 */
export function deliver(url: string, consumer: Handlers): () => Promise<void> {
  const stopping = new AbortController();
  // Whoever pulled messages before is gone.
  const released = ask(url, "/release", {}).catch(() => {});
  const loops = [CALLS_QUEUE, DEAD_LETTERS_QUEUE].map(async (queue) => {
    await released;
    for (;;) {
      const stored = await deliverOnce(url, queue, consumer).catch(() => 0);
      if (stored === 0 && stopping.signal.aborted) return;
      if (stored < MOST_MESSAGES) await sleep(BETWEEN_PULLS_MS);
    }
  });
  return async () => {
    stopping.abort();
    await Promise.race([Promise.all(loops), sleep(DRAIN_MS)]);
  };
}

/** @returns the number of messages that were stored. */
async function deliverOnce(url: string, queue: string, consumer: Handlers): Promise<number> {
  const { messages } = await ask<{ messages: PulledMessage[] }>(url, "/pull", { queue, most: MOST_MESSAGES });
  if (messages.length === 0) return 0;
  const settlement = await settled(queue, messages, consumer).catch((): Settlement => ({
    acked: [],
    retried: messages.map(({ id }) => ({ id, delaySeconds: 1 })),
  }));
  await ask(url, "/settle", settlement);
  return settlement.acked.length;
}

async function settled(queue: string, messages: PulledMessage[], consumer: Handlers): Promise<Settlement> {
  const result = await consumer.queue(queue, messages);
  if (result.outcome !== "ok") throw new Error(`queue() ended with "${result.outcome}"`);
  const retried = new Map(result.retryMessages.map(({ msgId, delaySeconds = 0 }) => [msgId, delaySeconds]));
  return {
    acked: messages.map(({ id }) => id).filter((id) => !retried.has(id)),
    retried: [...retried].map(([id, delaySeconds]) => ({ id, delaySeconds })),
  };
}

async function ask<T>(url: string, path: string, input: unknown): Promise<T> {
  const response = await fetch(url + path, { method: "POST", body: JSON.stringify(input) });
  if (!response.ok) throw new Error(`the queue answers ${response.status}: ${await response.text()}`);
  return (await response.json()) as T;
}
