/**
 * Upstash Redis over REST, with a time limit for every command. Every caller must be able to go on without Redis, so a
 * failure is a value here (`down`), not an exception.
 */
import { Redis } from "@upstash/redis";

export type RedisReply<T> = { down: false; value: T } | { down: true };

/** The commands that the ledger needs. */
export interface RedisClient {
  /** The values of some keys. Null for a key without a value. */
  getMany(keys: string[]): Promise<RedisReply<(string | null)[]>>;
  set(key: string, value: string, ttlMs?: number): Promise<RedisReply<void>>;
  /** Sets a value only if the key has none. */
  setIfAbsent(key: string, value: string): Promise<RedisReply<void>>;
  /** Reads a value and removes it. */
  take(key: string): Promise<RedisReply<string | null>>;
}

/** How many fields a hash may have, and which one takes what belongs to further ones. */
export interface FieldLimit {
  most: number;
  rest: string;
}

/** Hashes of integers, which counters of all isolates share. */
export interface RedisHashes {
  /**
   * Adds integers to fields of a hash, in one step. An `id` that was added before is passed over, so an addition whose
   * answer was lost can be repeated. Once the hash has `most` fields, what belongs to a new one goes to the field `rest`.
   */
  add(key: string, id: string, increments: ReadonlyMap<string, number>, limit: FieldLimit): Promise<RedisReply<void>>;
  /** All fields of a hash. */
  fields(key: string): Promise<RedisReply<Record<string, string>>>;
}

const BUDGET_MS = 200;

/** An id is remembered for an hour, which is longer than anybody repeats it. */
const ADD = `
if not redis.call('SET', KEYS[2], '1', 'NX', 'EX', 3600) then return 0 end
local free = tonumber(ARGV[1]) - redis.call('HLEN', KEYS[1])
for i = 3, #ARGV, 2 do
  local field = ARGV[i]
  if redis.call('HEXISTS', KEYS[1], field) == 0 then
    if free > 0 then free = free - 1 else field = ARGV[2] end
  end
  redis.call('HINCRBY', KEYS[1], field, ARGV[i + 1])
end
return 1`;

/** @param budgetMs the time after which a command has failed. */
export function connectRedis(url: string, token: string, budgetMs = BUDGET_MS): RedisClient & RedisHashes {
  const redis = new Redis({
    url,
    token,
    automaticDeserialization: false,
    responseEncoding: false,
    enableAutoPipelining: false,
    enableTelemetry: false,
    retry: false,
    signal: () => AbortSignal.timeout(budgetMs),
  });

  async function within<T>(run: Promise<T>): Promise<RedisReply<T>> {
    try {
      return { down: false, value: await run };
    } catch {
      return { down: true };
    }
  }

  return {
    getMany: (keys) => within(redis.mget<(string | null)[]>(...keys)),
    set: (key, value, ttlMs) =>
      within(redis.set(key, value, ttlMs === undefined ? {} : { px: ttlMs }).then(() => undefined)),
    setIfAbsent: (key, value) => within(redis.set(key, value, { nx: true }).then(() => undefined)),
    take: (key) => within(redis.getdel<string>(key)),
    add: (key, id, increments, { most, rest }) => {
      const args = [...increments].flatMap(([field, amount]) => [field, String(amount)]);
      return within(redis.eval(ADD, [key, `${key}:${id}`], [String(most), rest, ...args]).then(() => undefined));
    },
    // Without its deserialization, the client leaves the reply as it is: names and values by turns.
    fields: (key) => within(redis.hgetall(key).then((all) => pairsOf((all ?? []) as unknown as string[]))),
  };
}

function pairsOf(flat: readonly string[]): Record<string, string> {
  return Object.fromEntries(flat.flatMap((name, i) => (i % 2 === 0 ? [[name, flat[i + 1]!]] : [])));
}
