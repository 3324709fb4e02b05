/**
 * Runs that are shared only with those who came before they began: whoever asks while one is under way waits for the
 * next, together with all others that come meanwhile. So nobody is answered with what was read before they asked, and
 * any number of equal questions at once make two runs.
 */
import type { KeepAlive } from "../deps.ts";
import { holdOpen } from "../hold-open.ts";

interface Lane<T> {
  running: Promise<unknown>;
  next: Promise<T> | null;
}

/** Longer than this nobody waits for another request's run. */
const PATIENCE_MS = 10_000;

export interface Coalescer<T> {
  share(key: string, run: () => Promise<T>, keepAlive: KeepAlive): Promise<T>;
  /** Resolves when no run of `key` is under way. */
  idle(key: string): Promise<void>;
}

export function createCoalescer<T>(): Coalescer<T> {
  const lanes = new Map<string, Lane<T>>();

  async function begin(key: string, run: () => Promise<T>): Promise<T> {
    const running = run();
    const lane: Lane<T> = { running, next: null };
    lanes.set(key, lane);
    try {
      return await running;
    } finally {
      if (lanes.get(key) === lane && lane.next === null) lanes.delete(key);
    }
  }

  /** Begins when what is under way has ended; the one that was to begin may have gone with its request. */
  async function after({ running }: Lane<T>, key: string, run: () => Promise<T>): Promise<T> {
    await holdOpen(
      running.catch(() => undefined),
      PATIENCE_MS,
    );
    return await begin(key, run);
  }

  return {
    async share(key, run, keepAlive) {
      const lane = lanes.get(key);
      if (lane?.next) {
        const news = await holdOpen(lane.next, PATIENCE_MS);
        if (news !== "late") return news;
        // The request that was to run is gone: the next one begins afresh.
        if (lanes.get(key) === lane) lanes.delete(key);
        return await run();
      }
      const own = lane ? after(lane, key, run) : begin(key, run);
      if (lane) lane.next = own;
      keepAlive(own.catch(() => undefined));
      return await own;
    },
    async idle(key) {
      for (let lane; (lane = lanes.get(key));) {
        const last: Promise<unknown> = lane.next ?? lane.running;
        const waited = await holdOpen(
          last.catch(() => undefined),
          PATIENCE_MS,
        );
        if (waited === "late") return;
      }
    },
  };
}
