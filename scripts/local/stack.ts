/**
 * Everything that the worker needs around it, on 127.0.0.1: Postgres (or the one of `databaseUrl`), brought to the
 * newest migration, behind a Neon endpoint and Hyperdrive's stand-in; Redis behind an Upstash endpoint; and the queues.
 * Tests and benchmarks start this too.
 */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { lockFolder } from "./folder-lock.ts";
import { startHyperdrive } from "./hyperdrive.ts";
import { migrate } from "./migrate.ts";
import { type Fault, startNeonEndpoint } from "./neon-endpoint.ts";
import type { Statement } from "./neon-statements.ts";
import { asWorker, isSuperuser } from "./roles.ts";
import { makeDataDir, type Postgres, startPostgres } from "./postgres.ts";
import { startQueueEndpoint } from "./queue-endpoint.ts";
import { startUpstashEndpoint } from "./upstash-endpoint.ts";

export interface BackendOptions {
  dataDir: string;
  /** A real Redis; default: in memory. */
  redisUrl?: string | undefined;
  /** A Postgres of one's own; default: an embedded one with its data in `dataDir`. */
  databaseUrl?: string | undefined;
  /** For the embedded Postgres; default: a free one. */
  postgresPort?: number;
  /** Most connections that Hyperdrive's stand-in opens; default: 20. */
  poolSize?: number | undefined;
  /** For fault tests, see neon-endpoint.ts. */
  fault?: (statements: readonly Statement[]) => Fault | undefined;
  /** Hears about what happens later: Postgres that ended and was started again. */
  onEvent?: (sentence: string) => void;
}

export interface Backends {
  /** The owner's. */
  databaseUrl: string;
  /** The text bindings that lead the worker here, and its log level. */
  bindings: {
    DATABASE_URL: string;
    NEON_FETCH_ENDPOINT: string;
    UPSTASH_REDIS_REST_URL: string;
    UPSTASH_REDIS_REST_TOKEN: string;
    LOG_LEVEL: string;
  };
  /** The same database through Hyperdrive's stand-in. */
  hyperdriveUrl: string;
  queueUrl: string;
  /** The number of messages that wait in the queues. */
  waiting(): number;
  /** Undefined with a `databaseUrl`. */
  postgres: Postgres | undefined;
  stop(): Promise<void>;
}

/** Starts all or nothing. @throws StartError */
export async function startBackends(options: BackendOptions): Promise<Backends> {
  await using started = new AsyncDisposableStack();
  const postgres =
    options.databaseUrl === undefined ? await startPostgres({ ...options, ...portOf(options) }) : undefined;
  started.defer(postgres?.stop ?? (await lockFolder(await makeDataDir(options.dataDir))));
  const databaseUrl = postgres?.url ?? options.databaseUrl ?? "";
  const roles = await isSuperuser(databaseUrl);
  await migrate(databaseUrl, { roles });
  const workerUrl = roles ? asWorker(databaseUrl) : databaseUrl;

  const neon = await startNeonEndpoint({ databaseUrl, ...(options.fault ? { fault: options.fault } : {}) });
  started.defer(neon.close);
  const hyperdrive = await startHyperdrive(workerUrl, options.poolSize);
  started.defer(hyperdrive.close);
  const token = randomBytes(20).toString("hex");
  const upstash = await startUpstashEndpoint({ redisUrl: options.redisUrl, token });
  started.defer(upstash.close);
  const queue = await startQueueEndpoint(join(options.dataDir, "queue.sqlite"));
  started.defer(queue.close);
  const all = started.move();
  return {
    databaseUrl,
    bindings: {
      DATABASE_URL: workerUrl,
      NEON_FETCH_ENDPOINT: neon.url,
      UPSTASH_REDIS_REST_URL: upstash.url,
      UPSTASH_REDIS_REST_TOKEN: token,
      // A line for every request would drown what a local stack says.
      LOG_LEVEL: "warn",
    },
    hyperdriveUrl: hyperdrive.url,
    queueUrl: queue.url,
    waiting: queue.waiting,
    postgres,
    stop: () => all.disposeAsync(),
  };
}

function portOf({ postgresPort }: BackendOptions): { port?: number } {
  return postgresPort === undefined ? {} : { port: postgresPort };
}
