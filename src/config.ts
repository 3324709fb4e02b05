/** The Worker's environment, read once; a wrong one stops everything and names the keys, never values. */
import { z } from "zod";
import { DEFAULT_GRACE_SECONDS } from "./ingest/trace.ts";

const schema = z.object({
  /** Postgres, as `postgres://user:password@host/database`. */
  DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/ }),
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
});

export interface Config {
  databaseUrl: string;
  neonFetchEndpoint: string | undefined;
  redisUrl: string;
  redisToken: string;
  adminKey: string;
  wrapperGraceSeconds: number;
  metricsToken: string | undefined;
}

/** @throws Error that lists the keys which are missing or malformed. */
export function parseConfig(env: unknown): Config {
  const parsed = schema.safeParse(env);
  if (!parsed.success) {
    const keys = new Set(parsed.error.issues.map((issue) => issue.path.join(".")));
    throw new Error(`missing or malformed configuration: ${[...keys].join(", ")}`);
  }
  const { data } = parsed;
  return {
    databaseUrl: data.DATABASE_URL,
    neonFetchEndpoint: data.NEON_FETCH_ENDPOINT,
    redisUrl: data.UPSTASH_REDIS_REST_URL,
    redisToken: data.UPSTASH_REDIS_REST_TOKEN,
    adminKey: data.ADMIN_KEY,
    wrapperGraceSeconds: data.WRAPPER_GRACE_SECONDS,
    metricsToken: data.METRICS_TOKEN,
  };
}
