/** What tests in Node share: the database behind its Neon endpoint, and traces made from a seed. */
import { inject } from "vitest";
import { connect, type Database } from "../src/db/client.ts";
import { createProject } from "../src/keys.ts";

export function database(): Database {
  const { DATABASE_URL, NEON_FETCH_ENDPOINT } = inject("bindings");
  return connect({ url: DATABASE_URL, fetchEndpoint: NEON_FETCH_ENDPOINT, timeoutMs: 30_000 });
}

/** A project of the test's own. Returns its id. */
export async function newProject(db: Database): Promise<string> {
  return (await createProject(db, "test")).id;
}
