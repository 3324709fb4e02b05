/**
 * Counters of all isolates together. An isolate counts in memory, and adds what it counted to one hash in Redis: with
 * the next request after ten seconds, after each run of cron, and before it answers a scrape. So the sums are those of
 * all isolates, and they never fall while Redis keeps them. An isolate that is ended loses ten seconds at most.
 *
 * What was sent is sent again under the same id until Redis has answered, and Redis adds each id once.
 */
import type { KeepAlive } from "../keep-alive.ts";
import type { RedisHashes, RedisReply } from "../redis.ts";
import type { Observer } from "./observer.ts";
import { type CounterName, type HistogramName, HISTOGRAMS } from "./series.ts";

export interface Counters extends Observer {
  count(name: CounterName, labels: readonly string[], amount?: number): void;
  /** @param seconds of one observation. */
  time(name: HistogramName, labels: readonly string[], seconds: number): void;
  /** Sends what was counted if the last sending is long enough ago. */
  sendSometimes(keepAlive: KeepAlive): void;
  /** Sends what was counted. Returns whether Redis has all of it. */
  send(): Promise<boolean>;
  /** The sums of all isolates, by field. */
  read(): Promise<RedisReply<Record<string, string>>>;
}

/** What other modules count since the isolate's start, as totals. */
export type Totals = () => Iterable<readonly [name: CounterName, labels: readonly string[], total: number]>;

const SEND_EVERY_MS = 10_000;

/** The hashes in Redis. Callers choose the names of members, so those have a hash and a bound of their own. */
const HASHES = {
  own: { key: "metrics:counters", most: 2_000, rest: fieldOf("llm_cost_uncounted_total", []) },
  members: {
    key: "metrics:unknown-members",
    most: 200,
    rest: fieldOf("llm_cost_unknown_usage_members_total", ["other", "other"]),
  },
} as const;
type Hash = keyof typeof HASHES;

const hashOf = (field: string): Hash =>
  field.startsWith('["llm_cost_unknown_usage_members_total"') ? "members" : "own";

/** The field of a counter. A histogram has one for each bin, and `sum` in microseconds. */
export function fieldOf(name: string, labels: readonly string[], part?: number | "sum"): string {
  return JSON.stringify(part === undefined ? [name, ...labels] : [name, ...labels, part]);
}

export function createCounters(redis: RedisHashes, now: () => number, totals: readonly Totals[] = []): Counters {
  const counted = new Map<string, number>();
  /** What is on its way, or was sent without an answer. */
  const sent = new Map<Hash, { id: string; increments: ReadonlyMap<string, number> }>();
  let sending: Promise<boolean> | null = null;
  let sentMs = now();
  const known = new Map<string, number>();

  function add(field: string, amount: number): void {
    const before = counted.get(field);
    // While Redis is down nothing is sent, but what an isolate counts has a bound, too.
    if (before !== undefined || counted.size < HASHES.own.most) counted.set(field, (before ?? 0) + amount);
  }

  function collect(): void {
    for (const read of totals) {
      for (const [name, labels, total] of read()) {
        const field = fieldOf(name, labels);
        const increment = total - (known.get(field) ?? 0);
        if (increment === 0) continue;
        known.set(field, total);
        add(field, increment);
      }
    }
  }

  async function sendAll(): Promise<boolean> {
    collect();
    for (const [hash, increments] of Map.groupBy(counted, ([field]) => hashOf(field))) {
      // What waits for an answer goes first. The rest stays until the next sending.
      if (sent.has(hash)) continue;
      sent.set(hash, { id: crypto.randomUUID(), increments: new Map(increments) });
      for (const [field] of increments) counted.delete(field);
    }
    for (const [hash, { id, increments }] of sent) {
      const { key, ...limit } = HASHES[hash];
      if ((await redis.add(key, id, increments, limit)).down) return false;
      sent.delete(hash);
    }
    return true;
  }

  const counters: Counters = {
    count(name, labels, amount = 1) {
      if (amount > 0) add(fieldOf(name, labels), amount);
    },
    time(name, labels, seconds) {
      const bounds: readonly number[] = HISTOGRAMS[name].bounds;
      const bin = bounds.findIndex((bound) => seconds <= bound);
      add(fieldOf(name, labels, bin < 0 ? bounds.length : bin), 1);
      add(fieldOf(name, labels, "sum"), Math.max(Math.round(seconds * 1e6), 0));
    },
    sendSometimes(keepAlive) {
      if (now() - sentMs < SEND_EVERY_MS) return;
      sentMs = now();
      keepAlive(counters.send());
    },
    async send() {
      sending ??= sendAll().finally(() => (sending = null));
      return await sending;
    },
    async read() {
      const [own, members] = await Promise.all([redis.fields(HASHES.own.key), redis.fields(HASHES.members.key)]);
      return own.down || members.down ? { down: true } : { down: false, value: { ...own.value, ...members.value } };
    },
    request({ route, method, status, durationMs }) {
      counters.count("http_requests_total", [route, method, String(status)]);
      counters.time("http_request_duration_seconds", [route, method], durationMs / 1_000);
    },
    statement({ durationMs, errorKind }) {
      counters.time("llm_cost_database_query_duration_seconds", [], durationMs / 1_000);
      if (errorKind !== null && errorKind !== "refused" && errorKind !== "expired")
        counters.count("llm_cost_database_errors_total", [errorKind]);
    },
  };
  return counters;
}
