/**
 * Shares a run among the requests that came before it began. A request that comes during a run waits for the next run,
 * together with all others that come meanwhile. So no request gets an answer that was read before it asked, and any
 * number of equal questions at the same time make two runs.
 */
import { type KeepAlive, holdOpen } from "../keep-alive.ts";

interface Lane<T> {
  running: Promise<unknown>;
  next: Promise<T> | null;
}

/** A request waits this long for another request's run; then it runs by itself. */
const PATIENCE_MS = 10_000;

export interface Coalescer<T> {
  share(key: string, run: () => Promise<T>, keepAlive: KeepAlive): Promise<T>;
  /** Resolves once no run of `key` is under way, or after a wait of `PATIENCE_MS`. */
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

  /** Begins a run once the current one has ended. It waits no longer than `PATIENCE_MS`, as its request may be gone. */
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
        const answer = await holdOpen(lane.next, PATIENCE_MS);
        if (answer !== "late") return answer;
        // The request that was to run next is gone. This one runs, and the next one begins a new lane.
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
