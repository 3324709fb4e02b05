/**
 * Queues on this machine, over HTTP: what stands in for Cloudflare Queues. A message that was taken is in a file, synced
 * to disk, so it survives the end of any process. Miniflare's own queue is in memory.
 *
 * Each route takes and gives JSON. `POST /send` takes `{queue, bodies}` and answers once they are on disk. `POST /pull`
 * takes `{queue, most}`, answers `{messages}`, and keeps these back for a minute. `POST /settle` takes `{acked, retried}`
 * of pulled messages. `POST /release` gives back all that were pulled. `POST /metrics` takes `{queue}`.
 */
import { randomUUID } from "node:crypto";
import { closeSync, openSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { DatabaseSync } from "node:sqlite";
import { listenHttp, readBody } from "./http-server.ts";

export const CALLS_QUEUE = "llm-cost-traces";
export const DEAD_LETTERS_QUEUE = "llm-cost-dead-letters";

/** As in `wrangler.toml`. A call that fails so often becomes a dead letter; a dead letter is then lost. */
const MOST_RETRIES: Record<string, number> = { [CALLS_QUEUE]: 20, [DEAD_LETTERS_QUEUE]: 100 };
const KEPT_BACK_MS = 60_000;
const MOST_BYTES = 64 * 1024 * 1024;

export interface PulledMessage {
  id: string;
  body: string;
  sentMs: number;
  /** 1 at the first delivery. */
  attempts: number;
}

export interface Settlement {
  acked: string[];
  retried: { id: string; delaySeconds: number }[];
}

export interface QueueMetrics {
  messages: number;
  bytes: number;
  oldestMs: number | null;
}

export interface QueueEndpoint {
  url: string;
  /** The number of messages that wait, in all queues. */
  waiting(): number;
  close(): Promise<void>;
}

/** @param file made where it is missing. One process at a time may use it. */
export async function startQueueEndpoint(file: string, port = 0): Promise<QueueEndpoint> {
  const store = openStore(file);
  const routes: Record<string, (input: never) => unknown> = {
    "/send": store.send,
    "/pull": store.pull,
    "/settle": store.settle,
    "/release": store.release,
    "/metrics": ({ queue }: { queue: string }) => store.metrics(queue),
  };
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const route = request.method === "POST" ? routes[request.url ?? ""] : undefined;
    if (route === undefined) return void response.writeHead(404).end();
    const body = await readBody(request, MOST_BYTES);
    if (body === undefined) return void response.writeHead(413).end();
    const json = JSON.stringify(route(JSON.parse(body.toString()) as never) ?? null);
    response
      .writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(json) })
      .end(json);
  };
  const http = await listenHttp((request, response) => {
    answer(request, response).catch((error: Error) => {
      if (!response.headersSent && !response.destroyed) response.writeHead(500).end(error.message);
    });
  }, port);
  return {
    url: http.url,
    waiting: () => store.metrics(CALLS_QUEUE).messages + store.metrics(DEAD_LETTERS_QUEUE).messages,
    close: async () => {
      await http.close();
      store.close();
    },
  };
}

function openStore(file: string) {
  // Nobody else may read what users sent.
  closeSync(openSync(file, "a", 0o600));
  const db = new DatabaseSync(file);
  // A transaction is on disk once it is committed.
  db.exec(`pragma journal_mode = wal; pragma synchronous = full; pragma busy_timeout = 5000;
    create table if not exists messages (
      id text primary key, queue text not null, body text not null, sent_ms integer not null,
      attempts integer not null default 0, due_ms integer not null);
    create index if not exists messages_due on messages (queue, due_ms);`);
  const insert = db.prepare("insert into messages (id, queue, body, sent_ms, due_ms) values (?, ?, ?, ?, ?)");
  const due = db.prepare(`update messages set attempts = attempts + 1, due_ms = ? where id in (
      select id from messages where queue = ? and due_ms <= ? order by due_ms limit ?)
    returning id, body, sent_ms as sentMs, attempts`);
  const forget = db.prepare("delete from messages where id = ?");
  const delay = db.prepare("update messages set due_ms = ? where id = ?");
  const bury = db.prepare("update messages set queue = ?, attempts = 0, due_ms = ? where id = ?");
  const find = db.prepare("select queue, attempts from messages where id = ?");
  const sum = db.prepare(`select count(*) as messages, coalesce(sum(length(body)), 0) as bytes,
    min(sent_ms) as oldestMs from messages where queue = ?`);
  const releaseAll = db.prepare("update messages set due_ms = 0");

  function inOne(work: () => void): void {
    db.exec("begin immediate");
    try {
      work();
      db.exec("commit");
    } catch (error) {
      db.exec("rollback");
      throw error;
    }
  }

  function retry(id: string, delaySeconds: number): void {
    const message = find.get(id) as { queue: string; attempts: number } | undefined;
    if (message === undefined) return;
    if (message.attempts <= MOST_RETRIES[message.queue]!) delay.run(Date.now() + delaySeconds * 1_000, id);
    else if (message.queue === CALLS_QUEUE) bury.run(DEAD_LETTERS_QUEUE, Date.now(), id);
    else forget.run(id);
  }

  const store = {
    send({ queue, bodies }: { queue: string; bodies: string[] }): void {
      inOne(() => bodies.forEach((body) => insert.run(randomUUID(), queue, body, Date.now(), Date.now())));
    },
    pull({ queue, most }: { queue: string; most: number }): { messages: PulledMessage[] } {
      const nowMs = Date.now();
      return { messages: due.all(nowMs + KEPT_BACK_MS, queue, nowMs, most) as unknown as PulledMessage[] };
    },
    settle({ acked, retried }: Settlement): void {
      inOne(() => {
        for (const id of acked) forget.run(id);
        for (const { id, delaySeconds } of retried) retry(id, delaySeconds);
      });
    },
    release(): void {
      releaseAll.run();
    },
    metrics(queue: string): QueueMetrics {
      return sum.get(queue) as unknown as QueueMetrics;
    },
    close: () => db.close(),
  };
  return store;
}
