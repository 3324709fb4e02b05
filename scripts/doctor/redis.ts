/** Redis, by Upstash's REST API: how fast it answers, what it does when it is full, and what it holds. */
import { type Check, counted, failed, lasting, ok, skipped, type Verdict, warning } from "./check.ts";
import type { RedisAddress, Subject } from "./subject.ts";

/** The Worker waits no longer for a command. */
const WORKER_WAITS_MS = 200;
const TRIES = 3;
const FULL = 0.9;
const AWAY =
  "Answers are slower but not wrong, and cron cannot tell a quiet minute. See the database's page at Upstash, and its URL and token.";

export const REDIS: readonly Check[] = [
  {
    id: "redis.answers",
    title: "Round trip",
    needs: ["redis"],
    opens: "redis",
    async run({ redis }, signal) {
      let bestMs = Number.POSITIVE_INFINITY;
      for (let tries = 0; tries < TRIES; tries++) {
        const beganMs = performance.now();
        const reply = await send(redis!, ["PING"], signal);
        if ("error" in reply) return failed(reply.error, AWAY);
        bestMs = Math.min(bestMs, performance.now() - beganMs);
      }
      const found = `${bestMs.toFixed(0)} ms`;
      return bestMs < WORKER_WAITS_MS
        ? ok(found)
        : warning(found, `From here. The Worker waits ${WORKER_WAITS_MS} ms: choose a region near it.`);
    },
  },
  { id: "redis.eviction", title: "Eviction", needs: ["redis"], run: judgeEviction },
  {
    id: "redis.keys",
    title: "Keys",
    needs: ["redis"],
    async run({ redis }, signal) {
      const reply = await send(redis!, ["DBSIZE"], signal);
      return "error" in reply ? skipped(reply.error, null) : ok(counted(Number(reply.result), "key"));
    },
  },
  {
    id: "redis.merge_flag",
    title: "Merge flag",
    needs: ["redis"],
    async run({ redis, now }, signal) {
      const reply = await send(redis!, ["GET", "merge:due"], signal);
      if ("error" in reply) return failed(reply.error, AWAY);
      return judgeFlag(reply.result === null ? null : Number(reply.result), now());
    },
  },
];

type Reply = { result: unknown } | { error: string };

async function send({ url, token }: RedisAddress, command: string[], signal: AbortSignal): Promise<Reply> {
  const response = await fetch(url, {
    method: "POST",
    headers: { authorization: `Bearer ${token}` },
    body: JSON.stringify(command),
    signal,
  });
  const text = await response.text();
  try {
    return JSON.parse(text) as Reply;
  } catch {
    return { error: `${response.status}: ${text.slice(0, 100)}` };
  }
}

/** Cron takes the flag down each minute. While calls come in, they put it up again with a new time. */
export function judgeFlag(raisedMs: number | null, nowMs: number): Verdict {
  if (raisedMs === null) return ok("down: nothing is due");
  const found = `up since ${lasting(nowMs - raisedMs)}`;
  return nowMs - raisedMs < 5 * 60_000
    ? ok(found)
    : failed(
        found,
        "Cron takes it down each minute, so cron does not run: see [triggers] of wrangler.toml, and npx wrangler tail.",
      );
}

async function judgeEviction({ redis }: Subject, signal: AbortSignal): Promise<Verdict> {
  const memory = await send(redis!, ["INFO", "memory"], signal);
  const asked = await send(redis!, ["CONFIG", "GET", "maxmemory-policy"], signal);
  const info = "result" in memory ? String(memory.result) : "";
  const of = (name: string): string | undefined => new RegExp(`^${name}:(\\S+)`, "m").exec(info)?.[1];
  const policy =
    ("result" in asked && Array.isArray(asked.result) ? String(asked.result[1] ?? "") : "") || of("maxmemory_policy");
  if (!policy)
    return skipped("it does not tell its policy", "See if eviction is on, on the database's page at Upstash.");
  const [used, most] = [Number(of("used_memory")), Number(of("maxmemory"))];
  const share =
    most > 0 ? `, ${Math.round((used / most) * 100)}% of ${Math.round(most / 2 ** 20)} MiB used` : ", no limit";
  const found = `${policy}${share}`;
  if (policy === "noeviction" && most > 0 && used > most * FULL)
    return warning(
      found,
      "When it is full it refuses writes, and answers come from the database. Turn eviction on: Redis is only a cache here.",
    );
  return ok(found);
}
