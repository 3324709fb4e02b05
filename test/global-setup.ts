/** One Postgres and one Redis for all tests, in a process of their own; each test makes its own project in them. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";
import type { TestProject } from "vitest/node";

interface Bindings {
  DATABASE_URL: string;
  NEON_FETCH_ENDPOINT: string;
  UPSTASH_REDIS_REST_URL: string;
  UPSTASH_REDIS_REST_TOKEN: string;
  ADMIN_KEY: string;
}

declare module "vitest" {
  export interface ProvidedContext {
    bindings: Bindings;
    databaseUrl: string;
  }
}

const ADMIN_KEY = "test-admin-key-0123456789abcdef0123456789";

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const child = fork(resolve(import.meta.dirname, "backends.ts"));
  const started = once(child, "message");
  const ended = once(child, "exit");
  const [message] = await Promise.race([
    started,
    ended.then(([code]) => {
      throw new Error(`the backends ended with code ${code} before they were ready`);
    }),
  ]);
  const { databaseUrl, bindings } = message as { databaseUrl: string; bindings: Omit<Bindings, "ADMIN_KEY"> };
  project.provide("databaseUrl", databaseUrl);
  project.provide("bindings", { ...bindings, ADMIN_KEY });
  return async () => {
    child.disconnect();
    await ended;
  };
}
