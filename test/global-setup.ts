/** One Postgres and one Redis for all tests, in a process of their own; each test makes its own project in them. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";
import type { TestProject } from "vitest/node";
import { buildPage, isFresh } from "../scripts/page/build.ts";
import type { BackendsProcess } from "../scripts/local/backends.ts";
import type { DatabaseOptions } from "../src/db/client.ts";

type Driver = "neon" | "postgres";

declare module "vitest" {
  export interface ProvidedContext {
    bindings: BackendsProcess["bindings"] & { ADMIN_KEY: string };
    /** The owner's; the Worker has the role that it has in production. */
    databaseUrl: string;
    /** The Worker's, when it is tested over Postgres' own protocol. */
    hyperdrives: Record<string, string>;
    /** Which driver is tested, and how tests in Node reach the database over each. */
    driver: Driver;
    databases: Record<Driver, DatabaseOptions>;
  }
}

const ADMIN_KEY = "test-admin-key-0123456789abcdef0123456789";

// Forked by its path: what the backends import is for Node itself, not for Vite.
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  // The Workers that are tested serve it.
  if (!(await isFresh())) await buildPage();
  const child = fork(resolve(import.meta.dirname, "../scripts/local/backends.ts"));
  const ended = once(child, "exit");
  const [backends] = (await Promise.race([
    once(child, "message"),
    ended.then(([code]) => {
      throw new Error(`the backends ended with code ${String(code)} before they were up`);
    }),
  ])) as [BackendsProcess];
  project.provide("databaseUrl", backends.databaseUrl);
  project.provide("bindings", { ...backends.bindings, ADMIN_KEY });
  const driver: Driver = process.env["DATABASE_DRIVER"] === "postgres" ? "postgres" : "neon";
  project.provide("hyperdrives", driver === "postgres" ? { HYPERDRIVE: backends.hyperdriveUrl } : {});
  project.provide("driver", driver);
  project.provide("databases", {
    neon: { driver: "neon", url: backends.bindings.DATABASE_URL, fetchEndpoint: backends.bindings.NEON_FETCH_ENDPOINT },
    postgres: { driver: "postgres", url: backends.hyperdriveUrl },
  });
  return async () => {
    child.disconnect();
    await ended;
  };
}
