/**
 * Fires `scheduled()` and `queue()` of the Worker in workerd. A small second Worker, on a port of its own, is asked over
 * HTTP and calls the handlers.
 *
 * Miniflare can call them, too. But it then blocks this process until workerd answers, and workerd waits for this process
 * to read what it logs: a Worker that logs much would never answer again.
 */
import type { Miniflare } from "miniflare";
import type { PulledMessage } from "./queue-endpoint.ts";

const HANDLERS_WORKER = "handlers";

const SCRIPT = `
export default {
  async fetch(request, { LEDGER, SECRET }) {
    if (request.headers.get("authorization") !== SECRET) return new Response(null, { status: 403 });
    const { scheduled, queue } = await request.json();
    if (scheduled) return Response.json(await LEDGER.scheduled({ ...scheduled, scheduledTime: new Date(scheduled.scheduledTime) }));
    const messages = queue.messages.map(({ sentMs, ...message }) => ({ ...message, timestamp: new Date(sentMs) }));
    return Response.json(await LEDGER.queue(queue.name, messages));
  },
};`;

/** What a batch came to, as workerd tells it. */
export interface QueueResult {
  outcome: string;
  retryMessages: { msgId: string; delaySeconds?: number }[];
}

export interface Handlers {
  /** @returns the outcome; `ok` if nothing was thrown. */
  scheduled(cron: string): Promise<string>;
  queue(name: string, messages: readonly PulledMessage[]): Promise<QueueResult>;
}

const secret = crypto.randomUUID();

/** The options of Miniflare's second Worker. @param ledger the name of the first. */
export function handlersWorker(ledger: string, compatibilityDate: string) {
  return {
    name: HANDLERS_WORKER,
    modules: true,
    script: SCRIPT,
    compatibilityDate,
    compatibilityFlags: ["service_binding_extra_handlers"],
    serviceBindings: { LEDGER: ledger },
    bindings: { SECRET: secret },
    unsafeDirectSockets: [{ host: "127.0.0.1" }],
  };
}

export function handlersOf(miniflare: Miniflare): Handlers {
  async function ask<T>(order: object): Promise<T> {
    // A reload may change the port.
    const url = await miniflare.unsafeGetDirectURL(HANDLERS_WORKER);
    const headers = { authorization: secret };
    const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(order) });
    if (!response.ok) throw new Error(`the handlers answer ${response.status}: ${await response.text()}`);
    return (await response.json()) as T;
  }

  return {
    scheduled: async (cron) =>
      (await ask<{ outcome: string }>({ scheduled: { cron, scheduledTime: Date.now() } })).outcome,
    queue: (name, messages) => ask({ queue: { name, messages } }),
  };
}
