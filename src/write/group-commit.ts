/**
 * Group commit: while two writes of a project are on their way to the database, further batches of the project wait,
 * and then go together in one statement. Many small requests at once therefore cost few statements. A request is
 * acknowledged only after its own calls are durable, and no request waits for a timer.
 *
 * One request of a group, its leader, does the work, because the runtime ties work to a request. When a statement ends,
 * its leader wakes the first waiting request, which leads the next group.
 */
import { DatabaseUnavailable } from "../db/client.ts";
import { type KeepAlive, holdOpen } from "../keep-alive.ts";
import type { Batch, Written } from "./write-batch.ts";

export interface GroupCommit {
  /**
   * Writes a batch as `writeBatch` does. If several requests are written together, only the leader gets the number of
   * `partials`, and all get the group's `earliestMs`. `keepAlive` lets the leader finish if its client hangs up.
   */
  commit(projectId: string, batch: Batch, keepAlive: KeepAlive): Promise<Written>;
}

/** A waiting request. It is woken with its outcomes, or to lead the next group. */
interface Waiting {
  batch: Batch;
  wake: (news: Written | "lead") => void;
  fail: (error: unknown) => void;
}

interface Lane {
  inFlight: number;
  waiting: Waiting[];
}

/** How many statements of one project may be on their way at once. Two keep the database busy while answers travel. */
const MAX_IN_FLIGHT = 2;
/** The most calls and links that a group may have, so that its statement stays small. */
const MAX_GROUP = 1_000;
/** The same as `MAX_IN_FLIGHT` for a batch that has room for no other, which would wait for nothing. */
const MAX_FULL_IN_FLIGHT = 4;
/** After this wait a request leads a group itself: the one that was to wake it may have been cut off. */
const LATE_MS = 2_000;
/** Longer than any statement takes, including its retries. */
const LOST_MS = 40_000;

/**
 * Makes the group commit of one isolate.
 *
 * @param writeNow writes a batch, as `writeBatch` does.
 */
export function createGroupCommit(writeNow: (projectId: string, batch: Batch) => Promise<Written>): GroupCommit {
  const lanes = new Map<string, Lane>();

  async function write(projectId: string, batch: Batch): Promise<Written> {
    const lane = lanes.get(projectId) ?? { inFlight: 0, waiting: [] };
    lanes.set(projectId, lane);
    if (lane.inFlight < (sizeOf(batch) < MAX_GROUP ? MAX_IN_FLIGHT : MAX_FULL_IN_FLIGHT)) {
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
        // In a stall all that wait are late. If each wrote its own batch, the database could not catch up.
        lane.waiting.splice(at, 1);
        lane.inFlight++;
        return await lead(projectId, lane, batch);
      }
      // Its leader is writing the batch now. A second write would wait for the first.
      news = await holdOpen(promise, LOST_MS);
    }
    if (news === "late") throw new DatabaseUnavailable("the request that was to write this batch did not finish");
    return news === "lead" ? await lead(projectId, lane, batch) : news;
  }

  /** Writes the leader's batch together with the waiting ones. The caller has counted it in `inFlight`. */
  async function lead(projectId: string, lane: Lane, batch: Batch): Promise<Written> {
    const others = nextGroup(lane.waiting, MAX_GROUP - sizeOf(batch));
    try {
      const all = [batch, ...others.map((other) => other.batch)];
      const calls = all.flatMap((one) => one.calls);
      const written = await writeNow(projectId, { calls, links: all.flatMap((one) => one.links) });
      const { outcomes, earliestMs } = written;
      let at = batch.calls.length;
      for (const { batch, wake } of others) {
        wake({ outcomes: outcomes.slice(at, (at += batch.calls.length)), earliestMs, partials: 0 });
      }
      return { ...written, outcomes: outcomes.slice(0, batch.calls.length) };
    } catch (error) {
      if (others.length === 0 || error instanceof DatabaseUnavailable) {
        for (const { fail } of others) fail(error);
        throw error;
      }
      // One batch is at fault. Each is written alone, so that the others do not fail with it.
      for (const other of others) await writeNow(projectId, other.batch).then(other.wake, other.fail);
      return await writeNow(projectId, batch);
    } finally {
      const next = lane.waiting.shift();
      if (next) next.wake("lead");
      else if (--lane.inFlight === 0) lanes.delete(projectId);
    }
  }

  return {
    async commit(projectId, batch, keepAlive) {
      const written = write(projectId, batch);
      keepAlive(written.catch(() => undefined));
      return await written;
    },
  };
}

/** Removes from the front of `waiting` the requests whose batches fit into `room` together. */
function nextGroup(waiting: Waiting[], room: number): Waiting[] {
  let size = 0;
  const count = waiting.findIndex(({ batch }) => (size += sizeOf(batch)) > room);
  return waiting.splice(0, count === -1 ? waiting.length : count);
}

function sizeOf({ calls, links }: Batch): number {
  return calls.length + links.length;
}
