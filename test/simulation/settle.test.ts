/**
 * Writers of one trace or one response at the same time, on the real Postgres. A scheduler decides which of them sends
 * its next statement, inside of transactions, too. However they meet, the ledger is the one that comes of sending all at
 * once, and nobody deadlocks.
 */
import pg from "pg";
import { afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { type Database, databaseOver } from "../../src/db/client.ts";
import type { Driver, Row } from "../../src/db/driver.ts";
import type { Call, Link } from "../../src/ledger/call.ts";
import { deleteTrace } from "../../src/traces/delete.ts";
import { writeBatch } from "../../src/write/write-batch.ts";
import { priced, trace } from "../calls.ts";
import { newProject } from "../ledger.ts";
import { ownDatabase } from "../own-database.ts";
import { decided } from "../write/decided.ts";
import { everySchedule, type History, seededSchedules, type World } from "./scheduler.ts";

const MINUTE_MS = 60_000;
const START_MS = Date.UTC(2025, 8, 1, 12);
const [ONE, OTHER] = ["4bf92f3577b34da6a3ce929d0e0e4736", "4bf92f3577b34da6a3ce929d0e0e4737"] as const;

type Sent = { call: Call } | { link: Link } | { deleted: Sent };

const WRITERS = 3;
/** In a shared one, another test's cron would settle the wrappers, too. */
let url: string;
/** A connection for each writer, and one that sees who waits for a lock. */
let clients: { client: pg.Client; pid: number }[];
let watch: pg.Client;

beforeAll(async () => {
  ({ url } = await ownDatabase("neon"));
});

beforeEach(async () => {
  const open = async (): Promise<pg.Client> => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    return client;
  };
  watch = await open();
  clients = await Promise.all(
    Array.from({ length: WRITERS }, async () => {
      const client = await open();
      await client.query("set deadlock_timeout = '1ms'");
      const { rows } = await client.query<{ pid: number }>("select pg_backend_pid() as pid");
      return { client, pid: rows[0]!.pid };
    }),
  );
});

afterEach(async () => {
  await Promise.all([watch, ...clients.map(({ client }) => client)].map((client) => client.end()));
});

/** The product's client over a driver that waits for its turn before each statement. */
function databaseOf(world: Pick<World, "turn" | "outside">, n: number): Database {
  const { client, pid } = clients[n]!;
  const isBlocked = async (): Promise<boolean> => {
    const { rows } = await watch.query("select from unnest(pg_blocking_pids($1)) having count(*) > 0", [pid]);
    return rows.length > 0;
  };
  async function send(name: string, text: string, values: readonly unknown[] = []): Promise<Row[]> {
    await world.turn(`writer ${n}: ${name}`);
    return (await world.outside(client.query<Row>(text, values as unknown[]), isBlocked)).rows;
  }
  const driver: Driver = {
    async transact(queries) {
      await world.outside(client.query("begin isolation level read committed"));
      try {
        const results: Row[][] = [];
        for (const { text, values } of queries) results.push(await send(nameOf(text), text, values));
        await send("commit", "commit");
        return results;
      } catch (error) {
        await world.outside(client.query("rollback"));
        throw error;
      }
    },
    failureOf(error) {
      const { code } = error as pg.DatabaseError;
      if (code === "40P01") throw error;
      return { code };
    },
  };
  return databaseOver(driver);
}

/** The statement's beginning, which tells them apart. */
function nameOf(text: string): string {
  return text.replaceAll(/\s+/g, " ").trim().slice(0, 60);
}

async function send(to: Database, project: string, body: readonly Sent[]): Promise<void> {
  const calls = body.flatMap((sent) => ("call" in sent ? [priced(sent.call)] : []));
  const links = body.flatMap((sent) => ("link" in sent ? [sent.link] : []));
  await writeBatch(to, project, calls, { links });
  for (const sent of body) {
    if ("deleted" in sent && "call" in sent.deleted) await deleteTrace(to, project, sent.deleted.call.id);
  }
}

/** Stores `before`, then lets the bodies meet. The ledger has to be the one of sending all of it in turn. */
async function meeting(before: readonly Sent[], ...bodies: readonly Sent[][]): Promise<History> {
  const alone = databaseOf({ turn: async () => {}, outside: (work) => work }, 0);
  const serial = await newProject(alone);
  for (const body of [before, ...bodies]) await send(alone, serial, body);
  const expected = await decided(alone, serial);
  return async (world) => {
    const project = await world.outside(newProject(alone));
    if (before.length > 0) await world.outside(send(alone, project, before));
    await Promise.all(bodies.map((body, n) => send(databaseOf(world, n), project, body)));
    expect(await world.outside(decided(alone, project))).toEqual(expected);
  };
}

const call = (name: string, atMs: number, changes: Partial<Call> = {}): Sent & { call: Call } => ({
  call: trace({ startedAtMs: START_MS + atMs, clientId: name, ...changes }),
});
const span = (traceId: string, n: number, parent: number | null): Partial<Call> => {
  const id = (i: number): string => i.toString(16).padStart(16, "0");
  return { traceId, spanId: id(n), parentId: parent === null ? null : id(parent) };
};
const wrapper: Partial<Call> = { billable: false, wrapper: true, rule: "traceloop.span.kind" };

const seen = (name: string, atMs: number, changes: Partial<Call> = {}) =>
  call(name, atMs, { responseId: "resp_1", ...changes });

it("sightings of one response at once: the one that tells most counts", async () => {
  const [a, b, c] = [seen("a", 0), seen("b", 1_000, { cacheReadTokens: 10 }), seen("c", 50 * MINUTE_MS)];
  await everySchedule(await meeting([], [a, c], [b]), { interruptions: 1 });
  await seededSchedules(await meeting([], [a], [b], [c]), 15);
});

it("a wrapper and the link below it, and the call below both: the call counts, and has the link's user", async () => {
  const { traceId, spanId, parentId } = call("", 0, span(ONE, 2, 1)).call;
  const place = { traceId: traceId!, spanId: spanId!, parentId, startedAtMs: START_MS };
  const link = { ...place, wrapper: false, userId: "ada", sessionId: null, tags: {}, ofInterest: true };
  const around = call("w", 0, { ...span(ONE, 1, null), ...wrapper });
  const below = call("c", 1, span(ONE, 3, 2));
  await everySchedule(await meeting([], [around, { link }], [below]), { interruptions: 1 });
  await seededSchedules(await meeting([], [around], [{ link }], [below]), 15);
});

it("calls directly around each other: the innermost one counts", async () => {
  const [a, b, c] = [call("a", 0, span(ONE, 1, null)), call("b", 1, span(ONE, 2, 1)), call("c", 2, span(ONE, 3, 2))];
  await everySchedule(await meeting([], [a], [b]), { interruptions: 1 });
  await everySchedule(await meeting([], [a, b], [c]), { interruptions: 1 });
});

it("a second sighting, in another trace, and a call around the first one", async () => {
  const first = seen("first", 0, span(ONE, 2, 1));
  const second = seen("second", 1_000, { ...span(OTHER, 2, null), cacheReadTokens: 10 });
  await everySchedule(await meeting([first], [second], [call("around", 0, span(ONE, 1, null))]), { interruptions: 1 });
});

it("sightings of two responses in two traces, each the other way about: nobody deadlocks", async () => {
  const body = (name: string, atMs: number, [a, b]: [string, string]): Sent[] => [
    call(`${name} 1`, atMs, { ...span(a, 1 + atMs, null), responseId: "resp_1" }),
    call(`${name} 2`, atMs + 10, { ...span(b, 100 + atMs, null), responseId: "resp_2" }),
  ];
  await everySchedule(await meeting([], body("a", 0, [ONE, OTHER]), body("b", 1, [OTHER, ONE])), { interruptions: 2 });
});

it("the sighting that counts is deleted while another one comes: nobody deadlocks", async () => {
  const first = seen("first", 0, { cacheReadTokens: 10 });
  await everySchedule(await meeting([first], [{ deleted: first }], [seen("second", 1_000)]), { interruptions: 1 });
});
