/** Connections that tests hold open, and waiting for what the server says of them. */
import { randomUUID } from "node:crypto";
import pg from "pg";
import { expect, onTestFinished } from "vitest";

/** A connection of its own, closed in the end. */
export async function session(url: string, options = ""): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url, options });
  client.on("error", () => {});
  await client.connect();
  onTestFinished(() => client.end());
  return client;
}

/** Begins a statement that waits for a lock, and returns once it waits. */
export async function waitsFor(client: pg.Client, watcher: pg.Client, text: string): Promise<void> {
  const { rows } = await client.query<{ pid: number }>("select pg_backend_pid() as pid");
  client.query(text).catch(() => undefined);
  await expect
    .poll(async () => {
      const found = await watcher.query("select from pg_locks where pid = $1 and not granted", [rows[0]!.pid]);
      return found.rowCount;
    })
    .toBe(1);
}

/** A role that may connect and nothing else. The caller drops it. */
export async function limitedRole(owner: pg.Client, url: string): Promise<{ role: string; url: string }> {
  const role = `limited_${randomUUID().replaceAll("-", "")}`;
  await owner.query(`create role ${role} login password '${role}'`);
  const own = new URL(url);
  own.username = role;
  own.password = role;
  return { role, url: own.href };
}
