/** The Worker's environment, read once; a wrong one stops everything and names the keys, never values. */
import { z } from "zod";

const schema = z.object({
  /** Postgres, as `postgres://user:password@host/database`. */
  DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/ }),
  /** Where Neon's `/sql` is, when it is not at the database's own host. */
  NEON_FETCH_ENDPOINT: z.url().optional(),
  UPSTASH_REDIS_REST_URL: z.url(),
  UPSTASH_REDIS_REST_TOKEN: z.string().min(1),
  /** Makes projects and keys; at least 32 characters. */
  ADMIN_KEY: z.string().min(32),
});

export interface Config {
  databaseUrl: string;
  neonFetchEndpoint: string | undefined;
  redisUrl: string;
  redisToken: string;
  adminKey: string;
}

/** @throws Error that lists the keys which are missing or malformed. */
export function parseConfig(env: unknown): Config {
  const parsed = schema.safeParse(env);
  if (!parsed.success) {
    const keys = new Set(parsed.error.issues.map((issue) => issue.path.join(".")));
    throw new Error(`missing or malformed configuration: ${[...keys].join(", ")}`);
  }
  const { DATABASE_URL, NEON_FETCH_ENDPOINT, UPSTASH_REDIS_REST_URL, UPSTASH_REDIS_REST_TOKEN, ADMIN_KEY } =
    parsed.data;
  return {
    databaseUrl: DATABASE_URL,
    neonFetchEndpoint: NEON_FETCH_ENDPOINT,
    redisUrl: UPSTASH_REDIS_REST_URL,
    redisToken: UPSTASH_REDIS_REST_TOKEN,
    adminKey: ADMIN_KEY,
  };
}
