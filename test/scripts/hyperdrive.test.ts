/** Hyperdrive's stand-in: few connections for many clients, each for one transaction. */
import pg from "pg";
import { afterAll, beforeAll, expect, inject, it } from "vitest";
import { type Hyperdrive, startHyperdrive } from "../../scripts/local/hyperdrive.ts";

let hyperdrive: Hyperdrive;
beforeAll(async () => {
  hyperdrive = await startHyperdrive(inject("databaseUrl"), 1);
});
afterAll(() => hyperdrive.close());

async function connected(url = hyperdrive.url): Promise<pg.Client> {
  const client = new pg.Client(url);
  client.on("error", () => {});
  await client.connect();
  return client;
}
const pidOf = async (client: pg.Client): Promise<number> =>
  (await client.query<{ pid: number }>("select pg_backend_pid() as pid")).rows[0]!.pid;

it("lends its only connection to one after the other, for a transaction each", async () => {
  const [a, b] = [await connected(), await connected()];
  const pid = await pidOf(a);
  expect(await pidOf(b)).toBe(pid);
  await a.query("begin");
  let answered = false;
  const waiting = pidOf(b).then((pid) => ((answered = true), pid));
  expect(await pidOf(a)).toBe(pid);
  expect(answered).toBe(false);
  await a.query("commit");
  expect(await waiting).toBe(pid);
  await Promise.all([a.end(), b.end()]);
});

it("ends a transaction that its client left behind", async () => {
  const left = await connected();
  await left.query("begin");
  await left.query("update projects set name = 'left' where id = '00000000-0000-4000-8000-000000000000'");
  await left.end();
  const next = await connected();
  const { rows } = await next.query("select name from projects where id = '00000000-0000-4000-8000-000000000000'");
  expect(rows).toEqual([{ name: "default" }]);
  await next.end();
});

it("lets nobody in without the password", async () => {
  const url = new URL(hyperdrive.url);
  url.password = "wrong";
  await expect(connected(url.href)).rejects.toMatchObject({ code: "28P01" });
});
