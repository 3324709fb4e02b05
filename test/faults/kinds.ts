/** The kinds of faults. Each begins, lasts, and heals; what it breaks is a real process or a real connection. */
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { migrate } from "../../scripts/local/migrate.ts";
import { stallPostgres } from "../../scripts/load-test/stall.ts";
import type { Mode, Stack } from "./stack.ts";
import type { FaultProxy, ProxyFault } from "./proxy.ts";

export interface FaultKind {
  name: string;
  /** Whether Redis may miss writes meanwhile. Cached answers may then be 5 s old. */
  redis: boolean;
  /** @param ms how long it lasts. */
  run(stack: Stack, ms: number): Promise<void>;
}

function broken(of: (stack: Stack) => FaultProxy, fault: ProxyFault) {
  return async (stack: Stack, ms: number): Promise<void> => {
    of(stack).set(fault);
    await sleep(ms);
    of(stack).set(null);
  };
}

function proxied(name: string, of: (stack: Stack) => FaultProxy): FaultKind[] {
  const faults: ProxyFault[] = [
    { kind: "refuse" },
    { kind: "hang" },
    { kind: "delay", ms: 300 },
    { kind: "cut", bytes: 2_000 },
    { kind: "swallow" },
  ];
  return faults.map((fault) => ({
    name: `${name}: ${fault.kind}`,
    redis: name === "Redis",
    run: broken(of, fault),
  }));
}

const askedOfPostgres =
  (...statements: string[]) =>
  async ({ databaseUrl }: Stack, ms: number): Promise<void> => {
    const client = new pg.Client({ connectionString: databaseUrl });
    client.on("error", () => {});
    await client.connect();
    try {
      for (const statement of statements) await client.query(statement);
      await sleep(Math.min(ms, 1_000));
    } finally {
      await client.end().catch(() => {});
    }
  };

const toldToRedis = (begin: string[], heal: string[]) => async (stack: Stack, ms: number) => {
  await stack.redis.call(...(begin as [string]));
  await sleep(ms);
  await stack.redis.call(...(heal as [string]));
};

/** Less than the slack of 60 s after which an hour is closed for the cache. */
const CLOCKS_DIFFER_MS = 50_000;

// The jump back to the right time is one, too.
const clockOff = (aheadMs: number) => async (stack: Stack, ms: number) => {
  await stack.setClock(aheadMs);
  await sleep(ms);
  await stack.setClock(0);
};

const OTHERS = "from pg_stat_activity where pid <> pg_backend_pid() and backend_type = 'client backend'";

export function kindsOf(mode: Mode): FaultKind[] {
  const others: FaultKind[] = [
    {
      name: "Postgres: kill -9",
      redis: false,
      run: (stack) => stack.killPostgres(),
    },
    {
      name: "Postgres: stands still",
      redis: false,
      async run({ databaseUrl }, ms) {
        const resume = await stallPostgres(databaseUrl);
        await sleep(ms);
        resume();
      },
    },
    {
      name: "Postgres: connections end",
      redis: false,
      run: askedOfPostgres(`select pg_terminate_backend(pid) ${OTHERS}`),
    },
    {
      name: "Postgres: queries are cancelled",
      redis: false,
      run: askedOfPostgres(`select pg_cancel_backend(pid) ${OTHERS}`),
    },
    {
      name: "Postgres: a table is locked",
      redis: false,
      run: askedOfPostgres("begin", "lock table traces in access exclusive mode"),
    },
    { name: "migrations run", redis: false, run: async ({ databaseUrl }) => void (await migrate(databaseUrl)) },
    {
      name: "Redis: read-only",
      redis: true,
      run: toldToRedis(["replicaof", "127.0.0.1", "1"], ["replicaof", "no", "one"]),
    },
    {
      name: "Redis: full",
      redis: true,
      run: toldToRedis(["config", "set", "maxmemory", "1"], ["config", "set", "maxmemory", "0"]),
    },
    { name: "Redis: flushed", redis: true, run: toldToRedis(["flushall"], ["ping"]) },
    { name: "Worker: kill -9", redis: true, run: (stack, ms) => stack.restartWorker(ms) },
    { name: "Worker: clock ahead", redis: true, run: clockOff(CLOCKS_DIFFER_MS) },
    { name: "Worker: clock behind", redis: true, run: clockOff(-CLOCKS_DIFFER_MS) },
    { name: "cron: killed", redis: true, run: (stack, ms) => (void stack.cron(), stack.restartWorker(ms)) },
    {
      name: "cron: two at once",
      redis: false,
      run: async (stack) => void (await Promise.all([stack.cron(), stack.cron(), stack.cron()])),
    },
    {
      name: "cron: missing",
      redis: false,
      async run(stack, ms) {
        stack.cronIsDue = false;
        await sleep(4 * ms);
        stack.cronIsDue = true;
      },
    },
  ];
  const database = proxied("database", ({ database }) => database);
  const redis = proxied("Redis", ({ cache }) => cache);
  return [...database, ...redis, ...others, ...(mode === "queue" ? proxied("queue", ({ queue }) => queue) : [])];
}
