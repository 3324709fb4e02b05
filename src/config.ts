/** The Worker's environment, read once. A wrong one stops the Worker. The error names keys, never their values. */
import { z } from "zod";
import { type DatabaseOptions, DEFAULT_TIMEOUT_MS } from "./db/client.ts";
import { DEFAULT_GRACE_SECONDS } from "./ledger/call.ts";
import { parseExporterHeaders } from "./telemetry/exporter-headers.ts";
import { LOG_LEVELS, type LogLevel } from "./telemetry/log-line.ts";
import type { SpanOptions } from "./telemetry/spans.ts";

const postgresUrl = z.url({ protocol: /^postgres(ql)?$/ });
const hyperdriveBinding = z.object({ connectionString: postgresUrl });
const queueBinding = z.custom<Queue>(
  (value) => typeof value === "object" && value !== null && "sendBatch" in value,
  "must be the binding of a queue",
);

const exporterHeaders = z.string().transform((text, context) => {
  const headers = parseExporterHeaders(text);
  if (headers === null) context.addIssue({ code: "custom", message: "must be name=value,name=value" });
  return headers ?? {};
});
const rateLimitBinding = z.custom<RateLimit>(
  (value) => typeof value === "object" && value !== null && "limit" in value,
  "must be a rate limiting binding",
);

const assetsBinding = z.custom<Fetcher>(
  (value) => typeof value === "object" && value !== null && "fetch" in value,
  "must be the binding of static assets",
);

const personKind = z.enum(["email", "account", "install"]);
const agentUser = z.string().transform((text, context) => {
  const kinds = z
    .array(personKind)
    .min(1)
    .safeParse(text.split(",").map((kind) => kind.trim()));
  if (!kinds.success) context.addIssue({ code: "custom", message: "must be a list of email, account and install" });
  return kinds.data ?? [];
});

const days = z.coerce.number().int().min(1).max(36_500).optional();

const schema = z
  .object({
    /** Neon, as `postgres://user:password@host/database`. It is not needed with `HYPERDRIVE`. */
    DATABASE_URL: postgresUrl.optional(),
    /** A Hyperdrive binding to any Postgres, in place of Neon. It must not cache. */
    HYPERDRIVE: hyperdriveBinding.optional(),
    /** A read replica on Neon. It answers questions if it has replayed everything that was written before them. */
    REPLICA_DATABASE_URL: postgresUrl.optional(),
    /** A second Hyperdrive binding, to the replica of any Postgres. */
    REPLICA_HYPERDRIVE: hyperdriveBinding.optional(),
    /** The longest time that a transaction may take. */
    DATABASE_TIMEOUT_MS: z.coerce.number().int().min(1_000).max(30_000).default(DEFAULT_TIMEOUT_MS),
    /** The address of Neon's `/sql`, if it is not at the database's own host. */
    NEON_FETCH_ENDPOINT: z.url().optional(),
    UPSTASH_REDIS_REST_URL: z.url(),
    UPSTASH_REDIS_REST_TOKEN: z.string().min(1),
    /** The key that makes projects and keys, at least 32 characters. */
    ADMIN_KEY: z.string().min(32),
    /** A token that reads `/metrics`, at least 16 characters. Keys with the scope `admin` read it too. */
    METRICS_TOKEN: z.string().min(16).optional(),
    /** A rate limiting binding, by which each key is limited. Without it there is no limit. */
    RATE_LIMITER: rateLimitBinding.optional(),
    /** The limit and the period of the binding. They are told to callers, and the binding does not tell them. */
    RATE_LIMIT_REQUESTS: z.coerce.number().int().min(1).optional(),
    RATE_LIMIT_PERIOD_SECONDS: z.coerce.number().int().min(1).optional(),
    /** How long a span around calls waits for a call below it before it counts as a call itself. */
    WRAPPER_GRACE_SECONDS: z.coerce.number().int().min(0).max(86_400).default(DEFAULT_GRACE_SECONDS),
    /** Who is the user of a coding agent's call: the first of these that it names. `email,account,install`, or fewer. */
    AGENT_USER: agentUser.default(["email", "account", "install"]),
    /** `direct` stores a request's calls before it is answered. `queue` gives them to a queue first. */
    INGEST_MODE: z.enum(["direct", "queue"]).default("direct"),
    /** The queue. Only queue mode needs it. */
    INGEST_QUEUE: queueBinding.optional(),
    /** The page's files. Without them there is no page. */
    ASSETS: assetsBinding.optional(),
    /** Where cron looks for a newer price catalogue; nowhere without it, or where it is empty. */
    CATALOGUE_URL: z.union([z.literal(""), z.url({ protocol: /^https?$/ })]).optional(),
    /** Lines of requests, cron runs and batches below this level are not logged. */
    LOG_LEVEL: z.enum(LOG_LEVELS).default("info"),
    /** Where traces of our own are sent, by OTLP over HTTP. Nowhere without it, or where it is empty. */
    OTEL_EXPORTER_OTLP_ENDPOINT: z.union([z.literal(""), z.url({ protocol: /^https?$/ })]).optional(),
    /** Headers of these requests, as `name=value,name=value`. Values are URL-encoded. */
    OTEL_EXPORTER_OTLP_HEADERS: exporterHeaders.optional(),
    OTEL_SERVICE_NAME: z.string().min(1).max(200).default("llm-cost-tracker"),
    /** The share of traces that are sampled if the caller did not decide. */
    OTEL_TRACES_SAMPLER_ARG: z.coerce.number().min(0).max(1).default(0.01),
    /** The least number of days that calls are kept. If unset, they are kept for ever. Rollups stay. */
    RAW_RETENTION_DAYS: days,
    /** The least number of days that hour rows are kept. If unset, they are kept for ever. Days and weeks stay. */
    HOUR_RETENTION_DAYS: days,
  })
  .refine(
    ({ RAW_RETENTION_DAYS: raw = -Infinity, HOUR_RETENTION_DAYS: hour = Infinity }) => hour >= raw,
    // Otherwise calls would be kept whose hour rows are deleted.
    { path: ["HOUR_RETENTION_DAYS"], error: "must not be less than RAW_RETENTION_DAYS" },
  );

export interface Config {
  database: DatabaseOptions;
  /** Null if there is no replica. */
  replica: DatabaseOptions | null;
  redisUrl: string;
  redisToken: string;
  adminKey: string;
  wrapperGraceSeconds: number;
  /** What names the user of a coding agent's call, in order of priority. */
  agentUser: readonly ("email" | "account" | "install")[];
  metricsToken: string | undefined;
  /** Null if there is no limit. */
  rateLimit: { limiter: RateLimit; requests: number; periodSeconds: number } | null;
  /** Null in direct mode. */
  queue: Queue | null;
  /** Null if the page was not built. */
  assets: Fetcher | null;
  catalogueUrl: string | undefined;
  rawRetentionDays: number | undefined;
  hourRetentionDays: number | undefined;
  logLevel: LogLevel;
  /** Null if traces of our own are sent nowhere. */
  traces: SpanOptions | null;
}

/** @throws Error that names the keys that are missing or malformed. */
export function parseConfig(env: unknown): Config {
  const parsed = schema.safeParse(env);
  if (!parsed.success) {
    throw refused(
      // A reason of our own says what is wrong; the other issues follow from the key.
      parsed.error.issues.map(({ code, path, message }) =>
        code === "custom" ? `${path.join(".")} (${message})` : path.join("."),
      ),
    );
  }
  const { data } = parsed;
  if (data.INGEST_MODE === "queue" && data.INGEST_QUEUE === undefined) throw refused(["INGEST_QUEUE"]);
  const { RATE_LIMITER: limiter, RATE_LIMIT_REQUESTS: requests, RATE_LIMIT_PERIOD_SECONDS: periodSeconds } = data;
  if (limiter && !requests) throw refused(["RATE_LIMIT_REQUESTS"]);
  if (limiter && !periodSeconds) throw refused(["RATE_LIMIT_PERIOD_SECONDS"]);
  const options = { fetchEndpoint: data.NEON_FETCH_ENDPOINT, timeoutMs: data.DATABASE_TIMEOUT_MS };
  const database = server(data.HYPERDRIVE, data.DATABASE_URL);
  if (database === null) throw refused(["DATABASE_URL"]);
  const replica = server(data.REPLICA_HYPERDRIVE, data.REPLICA_DATABASE_URL);
  return {
    database: { ...options, ...database },
    // If the replica takes longer than half of the time, the primary needs the other half to answer.
    replica: replica && { ...options, ...replica, timeoutMs: Math.ceil(data.DATABASE_TIMEOUT_MS / 2) },
    redisUrl: data.UPSTASH_REDIS_REST_URL,
    redisToken: data.UPSTASH_REDIS_REST_TOKEN,
    adminKey: data.ADMIN_KEY,
    wrapperGraceSeconds: data.WRAPPER_GRACE_SECONDS,
    agentUser: data.AGENT_USER,
    metricsToken: data.METRICS_TOKEN,
    rateLimit: limiter && requests && periodSeconds ? { limiter, requests, periodSeconds } : null,
    queue: data.INGEST_MODE === "queue" ? data.INGEST_QUEUE! : null,
    assets: data.ASSETS ?? null,
    catalogueUrl: data.CATALOGUE_URL || undefined,
    rawRetentionDays: data.RAW_RETENTION_DAYS,
    hourRetentionDays: data.HOUR_RETENTION_DAYS,
    logLevel: data.LOG_LEVEL,
    traces: tracesOf(data),
  };
}

function tracesOf(data: z.infer<typeof schema>): SpanOptions | null {
  if (!data.OTEL_EXPORTER_OTLP_ENDPOINT) return null;
  return {
    // By OpenTelemetry's rules, the endpoint is of all signals.
    url: `${data.OTEL_EXPORTER_OTLP_ENDPOINT.replace(/\/+$/, "")}/v1/traces`,
    headers: data.OTEL_EXPORTER_OTLP_HEADERS ?? {},
    serviceName: data.OTEL_SERVICE_NAME,
    rate: data.OTEL_TRACES_SAMPLER_ARG,
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
