/** A project of the ledger with its own keys, spoken to over HTTP inside workerd: what every API test starts from. */
/// <reference types="@cloudflare/vitest-plugin/types" />
import { createDeps, type Deps } from "../../src/deps.ts";
import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { expect } from "vitest";
import { createApp } from "../../src/app.ts";
import { parseConfig } from "../../src/config.ts";
import { connect } from "../../src/db/client.ts";
import { type Scope } from "../../src/keys.ts";
import { createCallQueue, type CallQueue } from "../../src/queue/queue.ts";
import { connectRedis } from "../../src/redis.ts";
import type { Sums } from "../../src/summary/shown.ts";
import { createDeliveries } from "./delivery.ts";
import { describedBy, type OpenApi } from "./described.ts";

export const config = parseConfig(env);
/** Does a queue store what these tests send? */
export const QUEUE_MODE = config.queue !== null;
export const db = connect(config.database);
export const redis = connectRedis(config.redisUrl, config.redisToken);

export const HOUR = 3_600_000;
export const DAY = 86_400_000;
/** 2025-03-10T00:00:00Z, a Monday: closed for long, so that every test may choose its own hours after it. */
export const MONDAY = Date.UTC(2025, 2, 10);

export type Fetch = (request: Request) => Promise<Response>;
export type Item = Record<string, unknown>;

export interface Written {
  accepted: number;
  inserted: number;
  duplicates: number;
  rejected: number;
  errors: { index: number; code: string; message: string }[];
}

export type SummaryRow = Sums & Record<string, unknown>;

export interface SummaryBody {
  from: string;
  to: string;
  tz: string;
  interval: string;
  as_of: string;
  totals: SummaryRow;
  rows: SummaryRow[];
}

const document = await exports.default.fetch(new Request("http://ledger/openapi.json"));
export const description = describedBy(await document.json<OpenApi>());

/** The Worker itself, every answer of which is held to its description. */
export const ofTheWorker: Fetch = asDescribed((request) => exports.default.fetch(request));

function asDescribed(fetch: Fetch): Fetch {
  return async (request) => {
    const body = description.knowsBody(request) ? await request.clone().text() : "";
    const response = await fetch(request);
    await description.check(request, body, response);
    return response;
  };
}

/**
 * The app over real stores, some of its dependencies replaced. Returns once what it left to `waitUntil` is done too.
 * For requests at once, too: this runtime's test mode cancels those of `exports.default` that wait for each other.
 */
export function appWith(replaced: Partial<Deps>): Fetch {
  const app = createApp(createDeps(config, { db, redis, queue: queueOfApp(), ...replaced }));
  return asDescribed(async (request) => {
    const ctx = createExecutionContext();
    const response = await app.fetch(request, env, ctx);
    await waitOnExecutionContext(ctx);
    return response;
  });
}

function queueOfApp(): CallQueue | null {
  return config.queue && createCallQueue(config.queue);
}

/** A request with the admin key. */
export async function admin(
  method: string,
  path: string,
  body?: unknown,
  fetch: Fetch = ofTheWorker,
  more: Record<string, string> = {},
): Promise<Response> {
  const headers = { authorization: `Bearer ${config.adminKey}`, "content-type": "application/json", ...more };
  return await fetch(
    new Request(`http://ledger${path}`, {
      method,
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }),
  );
}

/** What is on its way to the database, in queue mode. */
const deliveries = config.queue && createDeliveries(db, config.queue);

export interface Ledger {
  projectId: string;
  /** Scopes `ingest` and `read`. */
  key: string;
  /** A request with the key. */
  fetch(path: string, init?: RequestInit): Promise<Response>;
  /** Posts to `/v1/traces`: values as JSON, text and bytes as they are. Then what is accepted is stored in any mode. */
  post(body: unknown, headers?: Record<string, string>, path?: string): Promise<Response>;
  /** The same, but leaves it to the queue when that is stored. */
  send: Ledger["post"];
  /** Sends items that are all expected to arrive, or to be remarked on one by one. */
  write(items: Item[]): Promise<Written>;
  /** A summary that is expected to be answered. */
  summary(query: string): Promise<SummaryBody>;
}

/** A new project with a new key. */
export async function openLedger(fetch: Fetch = ofTheWorker): Promise<Ledger> {
  const project = await json<{ id: string }>(await admin("POST", "/v1/projects", { name: "test" }), 201);
  return ledgerOf(project.id, await newKey(project.id, ["ingest", "read"]), fetch);
}

/** A project that exists, through one of its keys and maybe another app. */
export function ledgerOf(projectId: string, key: string, fetch: Fetch = ofTheWorker): Ledger {
  const ledger: Ledger = {
    projectId,
    key,
    fetch: (path, { headers, ...init } = {}) =>
      fetch(
        new Request(`http://ledger${path}`, {
          ...init,
          headers: { authorization: `Bearer ${key}`, ...(headers as Record<string, string>) },
        }),
      ),
    post: async (...sent) =>
      await (deliveries ? deliveries.deliver(projectId, () => ledger.send(...sent)) : ledger.send(...sent)),
    send: async (body, headers = {}, path = "/v1/traces") => {
      const raw = typeof body === "string" || body instanceof Uint8Array || body instanceof ReadableStream;
      return await ledger.fetch(path, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body: raw ? (body as string) : JSON.stringify(body),
      });
    },
    write: async (items) => await ingested(await ledger.post(items)),
    summary: async (query) => await json<SummaryBody>(await ledger.fetch(`/v1/summary?${query}`)),
  };
  return ledger;
}

export async function newKey(projectId: string, scopes: Scope[]): Promise<string> {
  const body = { project_id: projectId, name: scopes.join(), scopes };
  return (await json<{ key: string }>(await admin("POST", "/v1/keys", body), 201)).key;
}

/**
 * What became of calls that were posted, from an answer in the form of the mode: a queue's tells no more than what it
 * took, so that what was stored of it is counted.
 */
export async function ingested(answer: Response): Promise<Written> {
  if (deliveries === null) return await json<Written>(answer);
  const queued = await json<Omit<Written, "inserted" | "duplicates">>(answer, 202);
  const inserted = deliveries.insertedBy(answer);
  return { ...queued, inserted, duplicates: queued.accepted - inserted };
}

/** Errors that only who stores calls can find: a queue's answer has none of them. */
export function foundByStoring<E>(...errors: E[]): E[] {
  return QUEUE_MODE ? [] : errors;
}

/** The body of an answer that must have this status. */
export async function json<T>(response: Response, status = 200): Promise<T> {
  const text = await response.text();
  expect(response.status, text).toBe(status);
  return JSON.parse(text) as T;
}

export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: string;
  request_id: string;
  [member: string]: unknown;
}

/** The problem details of an answer that must have this status and code. */
export async function problem(response: Response, status: number, code: string): Promise<Problem> {
  const body = await json<Problem>(response, status);
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  expect(body).toMatchObject({ status, code, request_id: response.headers.get("x-request-id") });
  expect(body.title).not.toBe("");
  expect(body.detail).not.toBe("");
  return body;
}

let calls = 0;

/** One call of a model at $2.50/MTok in, $1.25 cached, $10 out: 1,000 x $2.50 + 100 x $10 a million = $0.0035. */
export function call(fields: Item = {}): Item {
  return {
    id: `call-${++calls}`,
    timestamp: new Date(MONDAY).toISOString(),
    model: "gpt-4o",
    provider: "openai",
    input_tokens: 1_000,
    output_tokens: 100,
    ...fields,
  };
}

/** RFC 3339 of an instant, for queries. */
export function iso(ms: number): string {
  return new Date(ms).toISOString();
}

/** The whole UTC week from `MONDAY`. */
export const WEEK = `from=${iso(MONDAY)}&to=${iso(MONDAY + 7 * DAY)}`;
