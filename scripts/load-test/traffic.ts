/** The requests of one run: reads as a dashboard asks, writes as applications send, and an account of what was sent. */
import { HOUR_MS } from "../../src/time.ts";
import { seeded } from "../demo/random.ts";
import { APPLICATIONS, calls, take } from "../bench/calls.ts";
import type { Request as LedgerRequest } from "../client/ledger.ts";
import type { Mix } from "./scenarios.ts";

export type Kind = "summary" | "list" | "receipt" | "write";

export interface Request extends LedgerRequest {
  kind: Kind;
  /** Of a write: its calls, by their numbers within the run. */
  calls?: { first: number; count: number };
}

export interface Traffic {
  next(): Request;
  /** A list's answer: its calls are those that receipts are asked for. */
  seen(list: string): void;
}

const TEMPLATES = 2_000;
/** Calls started at most this long before they are sent. */
const OLDEST_MS = 30_000;
const REMEMBERED = 200;
/** As browsers and HTTP libraries send it. */
const ACCEPTS_GZIP = { "accept-encoding": "gzip" };

/** The applications of a run are its own, so that its calls can be counted apart from all others. */
export function applicationsOf(runId: string): string[] {
  return APPLICATIONS.map((name) => `${name}-${runId}`);
}

/** A call's own id: by it the ledger is asked afterwards. */
export function callId(runId: string, number: number): string {
  return `${runId}-${number}`;
}

/** @param runId makes identities and applications this run's own. */
export function createTraffic(runId: string, mix: Mix): Traffic {
  const random = seeded(runId);
  const callOf = createCallSource(runId);
  const known: string[] = [];
  const write = (): Request => {
    const count = Math.floor(random.between(mix.callsPerWrite[0], mix.callsPerWrite[1] + 1));
    return writeOf(Array.from({ length: count }, () => callOf(Date.now() - random.uniform() * OLDEST_MS)));
  };
  const read = (): Request => {
    const share = random.uniform();
    if (share < 0.6) {
      const path = `/v1/summary?${question(random.uniform(), random.between(0, 500))}`;
      return { kind: "summary", path, headers: ACCEPTS_GZIP };
    }
    const id = known[Math.floor(random.uniform() * known.length)];
    if (share < 0.85 || id === undefined) {
      const application = random.chance(0.5)
        ? `&application=${APPLICATIONS[random.powerLaw(APPLICATIONS.length)]}-${runId}`
        : "";
      return { kind: "list", path: `/v1/traces?limit=50${application}` };
    }
    return { kind: "receipt", path: `/v1/traces/${id}` };
  };
  return {
    next: () => (random.chance(mix.writes) ? write() : read()),
    seen(list) {
      const { traces } = JSON.parse(list) as { traces: { id: string }[] };
      known.push(...traces.slice(0, 10).map(({ id }) => id));
      known.splice(0, known.length - REMEMBERED);
    },
  };
}

/** What dashboards ask: mostly the present, some the closed past; one in seven about one user. */
function question(share: number, user: number): string {
  const hour = Math.floor(Date.now() / HOUR_MS) * HOUR_MS;
  const past = (days: number, toMs: number): string => `from=${toMs - days * 24 * HOUR_MS}&to=${toMs}`;
  if (share < 0.25) return "group_by=application,model&interval=day";
  if (share < 0.45) return `group_by=model&interval=hour&${past(1, hour + HOUR_MS)}`;
  if (share < 0.6) return `group_by=application&include=latency&${past(7, hour + HOUR_MS)}`;
  if (share < 0.85) return `group_by=provider,model&interval=day&${past(30, hour)}`;
  return `group_by=model&user=user-${Math.floor(user)}&${past(7, hour + HOUR_MS)}`;
}

interface MadeCall {
  number: number;
  json: string;
}

function writeOf(made: readonly MadeCall[]): Request {
  const body = `[${made.map(({ json }) => json).join(",")}]`;
  return { kind: "write", path: "/v1/traces", body, calls: { first: made[0]!.number, count: made.length } };
}

/** Calls by splicing what must differ into JSON made beforehand: the load should cost little to make. */
function createCallSource(runId: string): (startedMs: number) => MadeCall {
  const templates = take(calls(0, ""), TEMPLATES).map(({ application, ...call }) => {
    for (const spliced of ["id", "timestamp", "trace_id"]) delete call[spliced];
    return JSON.stringify({ ...call, application: `${String(application)}-${runId}` }).slice(1);
  });
  const traceIds = runId.padStart(16, "0");
  let made = 0;
  return (startedMs) => {
    const number = made++;
    const traceId = `${traceIds}${number.toString(16).padStart(16, "0")}`;
    const timestamp = new Date(startedMs).toISOString();
    const rest = templates[number % TEMPLATES]!;
    return {
      number,
      json: `{"id":"${callId(runId, number)}","timestamp":"${timestamp}","trace_id":"${traceId}",${rest}`,
    };
  };
}

/** Writes of one call each, with the fields that the recording has of it; its time is when it is sent. */
export function createReplay(runId: string, recorded: readonly Record<string, unknown>[]): () => Request {
  const [application] = applicationsOf(runId);
  let number = 0;
  return () => {
    const call = {
      ...recorded[number],
      id: callId(runId, number),
      timestamp: new Date().toISOString(),
      application,
    };
    return writeOf([{ number: number++, json: JSON.stringify(call) }]);
  };
}
