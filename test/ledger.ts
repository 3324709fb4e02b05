/** What tests in Node share: the database, over the driver that is tested, and traces made from a seed. */
import { inject } from "vitest";
import { connect, type Database } from "../src/db/client.ts";
import { createProject } from "../src/keys.ts";

export function database(): Database {
  return connect({ ...inject("databases")[inject("driver")], timeoutMs: 30_000 });
}

/** A project of the test's own. Returns its id. */
export async function newProject(db: Database): Promise<string> {
  return (await createProject(db, "test")).id;
}
