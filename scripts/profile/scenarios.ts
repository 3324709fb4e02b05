/** What the Worker is asked while it is profiled. */
import { randomUUID } from "node:crypto";
import { HOUR_MS } from "../../src/time.ts";
import { calls, take } from "../bench/calls.ts";
import { type Form, NATIVE, OTLP } from "../bench/sender.ts";
import type { Ledger, Request } from "../client/ledger.ts";

export interface Scenario {
  description: string;
  /** @returns what gives each request. The ledger is filled and merged. */
  prepare(ledger: Ledger, past: Past): Promise<() => Request>;
}

/** The calls that are there: whole hours, which are over. */
export interface Past {
  fromMs: number;
  toMs: number;
}

const HOURS = 24;
const CALLS_AN_HOUR = 500;
const BATCH = 100;
/** A closed loop takes some ten thousands of calls a second; repeated bodies would be duplicates. */
const RECEIPTS = 200;

export const SCENARIOS = {
  "ingest-native": { description: `POST /v1/traces, ${BATCH} calls as JSON`, prepare: async () => ingest(NATIVE) },
  "ingest-otlp": { description: `POST /v1/traces, ${BATCH} spans as protobuf`, prepare: async () => ingest(OTLP) },
  "summary-cached": {
    description: "GET /v1/summary of a day, answered from Redis",
    async prepare(ledger, past) {
      const request = { path: summaryPath(past) };
      // The first ones are computed: there was no epoch, then no value.
      for (let tries = 0; tries < 5; tries++) {
        const { status, headers } = await ledger.send(request);
        if (status === 200 && headers["x-cache"] === "hit") return () => request;
      }
      throw new Error(`${request.path} is not answered from the cache`);
    },
  },
  "summary-uncached": {
    description: "GET /v1/summary of the same day, always computed",
    prepare: async (_, past) => {
      const request = { path: summaryPath(past), headers: { "cache-control": "no-cache" } };
      return () => request;
    },
  },
  "traces-list": {
    description: "GET /v1/traces, 100 calls a page",
    prepare: async (_, past) => {
      const request = { path: `/v1/traces?limit=100&from=${past.fromMs}&to=${past.toMs}` };
      return () => request;
    },
  },
  receipt: {
    description: `GET /v1/traces/{id}, ${RECEIPTS} calls in turn`,
    async prepare(ledger, { fromMs, toMs }) {
      const { body } = await ledger.send({ path: `/v1/traces?limit=${RECEIPTS}&from=${fromMs}&to=${toMs}` });
      const { traces } = JSON.parse(String(body)) as { traces: { id: string }[] };
      if (traces.length === 0) throw new Error("there are no calls");
      let turn = 0;
      return () => ({ path: `/v1/traces/${traces[turn++ % traces.length]!.id}` });
    },
  },
} satisfies Record<string, Scenario>;

export type ScenarioName = keyof typeof SCENARIOS;

function ingest({ contentType, bodyOf }: Form): () => Request {
  const source = calls(Date.now(), randomUUID());
  return () => ({
    path: "/v1/traces",
    headers: { "content-type": contentType },
    body: bodyOf(take(source, BATCH)),
  });
}

const summaryPath = ({ fromMs, toMs }: Past): string =>
  `/v1/summary?from=${fromMs}&to=${toMs}&group_by=application,model&interval=hour`;

/** Fills the hours before this one. They are not merged yet. */
export async function fillPast(ledger: Ledger, nowMs: number): Promise<Past> {
  // Up to a minute after its end an hour is not taken for closed.
  const toMs = Math.floor((nowMs - 2 * 60_000) / HOUR_MS) * HOUR_MS;
  const fromMs = toMs - HOURS * HOUR_MS;
  for (let endMs = fromMs + HOUR_MS; endMs <= toMs; endMs += HOUR_MS) {
    const body = JSON.stringify(take(calls(endMs, `past-${endMs}`), CALLS_AN_HOUR));
    const { status, body: answer } = await ledger.send({ path: "/v1/traces", body });
    if (status !== 200) throw new Error(`filling the ledger: ${status} ${String(answer).slice(0, 300)}`);
  }
  return { fromMs, toMs };
}
