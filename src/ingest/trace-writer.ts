/**
 * Group commit: while writes are on their way to the database, traces of the same project that arrive meanwhile wait,
 * and then go together in one statement. A request is still acknowledged only after its own traces are durable, and
 * nobody waits for a timer; but many small requests at once cost few statements.
 *
 * The work of a group is done by one of its own requests (the runtime ties work to a request). When a statement ends,
 * its request wakes the first of those that wait, which then writes for all of them.
 */
import { DatabaseUnavailable, type Database } from "../db/client.ts";
import type { KeepAlive } from "../deps.ts";
import { holdOpen } from "../hold-open.ts";
import type { Link } from "./trace.ts";
import { type PricedTrace, writeTraces, type Written } from "./write.ts";

export interface TraceWriter {
  /** As `writeTraces`; what was written for several requests together is told to one. With `keepAlive` the work goes on for the others when the caller's client hangs up. */
  write(projectId: string, batch: Batch, keepAlive: KeepAlive): Promise<Written>;
}

/** The calls of a request, and the spans around them. */
export interface Batch {
  traces: readonly PricedTrace[];
  links: readonly Link[];
}

/** A request that waits: it is told its outcomes, or to write for the group. */
interface Waiting {
  batch: Batch;
  wake: (news: Written | "lead") => void;
  fail: (error: unknown) => void;
}

interface Lane {
  inFlight: number;
  waiting: Waiting[];
}

/** Statements of one project on their way at once: enough to keep the database busy while answers travel. */
const MAX_IN_FLIGHT = 2;
/** A group stops growing here, so that one statement stays small. */
const MAX_GROUP = 1_000;
/** Who was not taken along by then writes alone: the request that should have done it may be gone. */
const LATE_MS = 2_000;
/** Longer than any statement may take, with its retries. */
const LOST_MS = 40_000;

/** @param graceSeconds how long a wrapper waits for calls below it. */
export function createTraceWriter(db: Database, graceSeconds: number): TraceWriter {
  const lanes = new Map<string, Lane>();

  function store(projectId: string, { traces, links }: Batch): Promise<Written> {
    return writeTraces(db, projectId, traces, { links, graceSeconds });
  }

  async function write(projectId: string, batch: Batch): Promise<Written> {
    const lane = lanes.get(projectId) ?? { inFlight: 0, waiting: [] };
    lanes.set(projectId, lane);
    if (lane.inFlight < MAX_IN_FLIGHT) {
      lane.inFlight++;
      return await lead(projectId, lane, batch);
    }
    const { promise, resolve: wake, reject: fail } = Promise.withResolvers<Written | "lead">();
    const own: Waiting = { batch, wake, fail };
    lane.waiting.push(own);
    let news = await holdOpen(promise, LATE_MS);
    if (news === "late") {
      const at = lane.waiting.indexOf(own);
      if (at >= 0) {
        lane.waiting.splice(at, 1);
        return await store(projectId, batch);
      }
      // Somebody is writing it: alone it would only meet itself.
      news = await holdOpen(promise, LOST_MS);
    }
    if (news === "late") throw new DatabaseUnavailable("the request that wrote for this one is gone");
    return news === "lead" ? await lead(projectId, lane, batch) : news;
  }

  /** Writes the caller's batch together with those that wait; `inFlight` counts it already. */
  async function lead(projectId: string, lane: Lane, batch: Batch): Promise<Written> {
    const others = nextGroup(lane.waiting, MAX_GROUP - sizeOf(batch));
    try {
      const all = [batch, ...others.map((other) => other.batch)];
      const traces = all.flatMap((one) => one.traces);
      const written = await store(projectId, { traces, links: all.flatMap((one) => one.links) });
      const { outcomes, earliestMs } = written;
      let at = batch.traces.length;
      for (const { batch, wake } of others) {
        wake({ outcomes: outcomes.slice(at, (at += batch.traces.length)), earliestMs, partials: 0 });
      }
      return { ...written, outcomes: outcomes.slice(0, batch.traces.length) };
    } catch (error) {
      if (others.length === 0 || error instanceof DatabaseUnavailable) {
        for (const { fail } of others) fail(error);
        throw error;
      }
      // One of them is at fault; the others must not fail with it.
      for (const other of others) await store(projectId, other.batch).then(other.wake, other.fail);
      return await store(projectId, batch);
    } finally {
      const next = lane.waiting.shift();
      if (next) next.wake("lead");
      else if (--lane.inFlight === 0) lanes.delete(projectId);
    }
  }

  return {
    async write(projectId, batch, keepAlive) {
      const written = write(projectId, batch);
      keepAlive(written.catch(() => undefined));
      return await written;
    },
  };
}

/** Takes those from the front that fit into `room` together. */
function nextGroup(waiting: Waiting[], room: number): Waiting[] {
  let size = 0;
  const count = waiting.findIndex(({ batch }) => (size += sizeOf(batch)) > room);
  return waiting.splice(0, count === -1 ? waiting.length : count);
}

function sizeOf({ traces, links }: Batch): number {
  return traces.length + links.length;
}
