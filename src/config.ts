/** The Worker's environment, read once; a wrong one stops everything and names the keys, never values. */
import { z } from "zod";
import { type DatabaseOptions, DEFAULT_TIMEOUT_MS } from "./db/client.ts";
import { DEFAULT_GRACE_SECONDS } from "./ingest/trace.ts";

const postgresUrl = z.url({ protocol: /^postgres(ql)?$/ });
const hyperdriveBinding = z.object({ connectionString: postgresUrl });
const queueBinding = z.custom<Queue>((value) => typeof value === "object" && value !== null && "sendBatch" in value);

const days = z.coerce.number().int().min(1).max(36_500).optional();

const schema = z
  .object({
    /** Neon, as `postgres://user:password@host/database`; not needed with `HYPERDRIVE`. */
    DATABASE_URL: postgresUrl.optional(),
    /** Any Postgres, in place of Neon: a Hyperdrive binding, that does not cache. */
    HYPERDRIVE: hyperdriveBinding.optional(),
    /** A read replica on Neon, that answers summaries where it has all that was written. */
    REPLICA_DATABASE_URL: postgresUrl.optional(),
    /** Any Postgres' replica instead, as a second Hyperdrive binding. */
    REPLICA_HYPERDRIVE: hyperdriveBinding.optional(),
    /** How long the database may take for a transaction. */
    DATABASE_TIMEOUT_MS: z.coerce.number().int().min(1_000).max(30_000).default(DEFAULT_TIMEOUT_MS),
    /** Where Neon's `/sql` is, when it is not at the database's own host. */
    NEON_FETCH_ENDPOINT: z.url().optional(),
    UPSTASH_REDIS_REST_URL: z.url(),
    UPSTASH_REDIS_REST_TOKEN: z.string().min(1),
    /** Makes projects and keys; at least 32 characters. */
    ADMIN_KEY: z.string().min(32),
    /** Reads `/metrics`, beside keys with the scope `admin`; at least 16 characters. */
    METRICS_TOKEN: z.string().min(16).optional(),
    /** How long a span around calls waits for a call below it, before it counts as one itself. */
    WRAPPER_GRACE_SECONDS: z.coerce.number().int().min(0).max(86_400).default(DEFAULT_GRACE_SECONDS),
    /** Whether a request's traces are stored before it is answered, or given to a queue that stores them. */
    INGEST_MODE: z.enum(["direct", "queue"]).default("direct"),
    /** The queue; only queue mode needs it. */
    INGEST_QUEUE: queueBinding.optional(),
    /** How long calls are kept at least; for ever without it. Rollups stay. */
    RAW_RETENTION_DAYS: days,
    /** How long hours are kept at least; for ever without it. Days and weeks stay. */
    HOUR_RETENTION_DAYS: days,
  })
  .refine(
    ({ RAW_RETENTION_DAYS: raw = -Infinity, HOUR_RETENTION_DAYS: hour = Infinity }) => hour >= raw,
    // Calls that are kept would lack the hours that answer for them.
    { path: ["HOUR_RETENTION_DAYS"], error: "less than RAW_RETENTION_DAYS" },
  );

export interface Config {
  database: DatabaseOptions;
  /** Null without one. */
  replica: DatabaseOptions | null;
  redisUrl: string;
  redisToken: string;
  adminKey: string;
  wrapperGraceSeconds: number;
  metricsToken: string | undefined;
  /** Null in direct mode. */
  queue: Queue | null;
  rawRetentionDays: number | undefined;
  hourRetentionDays: number | undefined;
}

/** @throws Error that lists the keys which are missing or malformed. */
export function parseConfig(env: unknown): Config {
  const parsed = schema.safeParse(env);
  if (!parsed.success) {
    throw refused(
      parsed.error.issues.map(({ code, path, message }) =>
        code === "custom" && path[0] === "HOUR_RETENTION_DAYS" ? `${path.join(".")} (${message})` : path.join("."),
      ),
    );
  }
  const { data } = parsed;
  if (data.INGEST_MODE === "queue" && data.INGEST_QUEUE === undefined) throw refused(["INGEST_QUEUE"]);
  const options = { fetchEndpoint: data.NEON_FETCH_ENDPOINT, timeoutMs: data.DATABASE_TIMEOUT_MS };
  const database = server(data.HYPERDRIVE, data.DATABASE_URL);
  if (database === null) throw refused(["DATABASE_URL"]);
  const replica = server(data.REPLICA_HYPERDRIVE, data.REPLICA_DATABASE_URL);
  return {
    database: { ...options, ...database },
    // The primary is asked where the replica takes longer, and needs the time to answer.
    replica: replica && { ...options, ...replica, timeoutMs: Math.ceil(data.DATABASE_TIMEOUT_MS / 2) },
    redisUrl: data.UPSTASH_REDIS_REST_URL,
    redisToken: data.UPSTASH_REDIS_REST_TOKEN,
    adminKey: data.ADMIN_KEY,
    wrapperGraceSeconds: data.WRAPPER_GRACE_SECONDS,
    metricsToken: data.METRICS_TOKEN,
    queue: data.INGEST_MODE === "queue" ? data.INGEST_QUEUE! : null,
    rawRetentionDays: data.RAW_RETENTION_DAYS,
    hourRetentionDays: data.HOUR_RETENTION_DAYS,
  };
}

function server(
  hyperdrive: z.infer<typeof hyperdriveBinding> | undefined,
  url: string | undefined,
): Pick<DatabaseOptions, "driver" | "url"> | null {
  if (hyperdrive) return { driver: "postgres", url: hyperdrive.connectionString };
  return url === undefined ? null : { driver: "neon", url };
}

function refused(keys: string[]): Error {
  return new Error(`missing or malformed configuration: ${[...new Set(keys)].join(", ")}`);
}
