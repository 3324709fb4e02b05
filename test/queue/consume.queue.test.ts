/** Queue mode on Miniflare's queues: what is acknowledged is stored once, whatever fails on the way. */
/// <reference types="@cloudflare/vitest-plugin/types" />
import { sql } from "drizzle-orm";
import { afterEach, describe, expect, it, vi } from "vitest";
import { connect, DatabaseUnavailable } from "../../src/db/client.ts";
import { createCallQueue } from "../../src/queue/queue.ts";
import {
  appWith,
  call,
  config,
  db,
  json,
  type Ledger,
  ledgerOf,
  MONDAY,
  openLedger,
  problem,
  WEEK,
} from "../http/ledger.ts";
import { priced, trace } from "../calls.ts";
import { deliver, depsWith, failingWhere, messageOf, requests } from "./consumer.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

const stored = (ledger: Ledger, count: number) =>
  vi.waitFor(async () => expect(await requests(ledger)).toBe(count), { timeout: 10_000, interval: 20 });

describe("a request in queue mode", () => {
  it("is 202 {accepted, rejected, errors}, and stored soon after with its exact cost", async () => {
    const ledger = await openLedger();
    const body = await json(await ledger.send([call(), { id: "x" }, call()]), 202);
    expect(body).toEqual({ accepted: 2, rejected: 1, errors: [expect.objectContaining({ index: 1 })] });
    await stored(ledger, 2);
    // 2 x $0.0035
    expect((await ledger.summary(WEEK)).totals).toMatchObject({ requests: 2, cost_usd: "0.007" });
    expect(await json(await ledger.fetch(`/v1/audit?${WEEK}`))).toMatchObject({ ok: true });
  });

  it("stores 5,000 calls of one body, in as many messages as it takes", async () => {
    const ledger = await openLedger();
    const items = Array.from({ length: 5_000 }, (_, i) => call({ user_id: `u${i % 7}`, tags: { team: "search" } }));
    expect(await json(await ledger.send(items), 202)).toMatchObject({ accepted: 5_000 });
    await stored(ledger, 5_000);
    expect((await ledger.summary(WEEK)).totals).toMatchObject({ requests: 5_000, cost_usd: "17.5" });
  });

  it("stores a call that is too large for a message at once", async () => {
    const ledger = await openLedger();
    const tags = Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`k${i}`, "\u0001".repeat(512)]));
    await json(await ledger.send([call({ tags })]), 202);
    expect(await requests(ledger)).toBe(1);
  });

  it("is 503 with Retry-After when the queue does not take all of it, and safe to send again", async () => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    const { projectId, key } = await openLedger();
    const away = createCallQueue({ sendBatch: () => Promise.reject(new Error("away")) } as unknown as Queue);
    const ledger = ledgerOf(projectId, key, appWith({ queue: away }));
    const items = [call(), call()];
    const response = await ledger.send(items);
    expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(0);
    await problem(response, 503, "queue_unavailable");
    const healed = ledgerOf(projectId, key);
    await json(await healed.send(items), 202);
    await stored(healed, 2);
  });

  it("answers as fast while the database stalls, and stores all of it then", async () => {
    const ledger = await openLedger();
    await ledger.fetch("/v1/summary");
    // For ten seconds no write of the project gets past the price that it shares with a transaction that is not over.
    const { id, source, version, provider, model } = priced(trace({ startedAtMs: MONDAY, clientId: "x" })).cost.price!;
    const patient = connect({ ...config.database, timeoutMs: 14_000 });
    const began = performance.now();
    const stall = patient.batch([
      sql`insert into prices (project_id, id, source, version, provider, model)
          values (${ledger.projectId}::uuid, ${id}::uuid, ${source}, ${version}, ${provider}, ${model})`,
      sql`select pg_sleep(10)`,
      sql`select refuse_if(true, 'LT001')`,
    ]);
    let stalled = true;
    const over = stall.then(
      () => expect.unreachable(),
      () => (stalled = false),
    );
    const times: number[] = [];
    while (performance.now() - began < 9_000) {
      const at = performance.now();
      await json(await ledger.send([call()]), 202);
      times.push(performance.now() - at);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    times.sort((a, b) => a - b);
    expect([stalled, await requests(ledger)]).toEqual([true, 0]);
    expect(times[Math.floor(times.length * 0.95)]).toBeLessThan(500);
    await over;
    await vi.waitFor(async () => expect(await requests(ledger)).toBe(times.length), { timeout: 20_000, interval: 100 });
  }, 40_000);
});

describe("a batch of messages", () => {
  it("is one write a project, each in its own project", async () => {
    const [a, b] = [await openLedger(), await openLedger()];
    const writes: string[] = [];
    const spied = failingWhere((values) => void writes.push(String(values[0])));
    const bodies = [messageOf(a.projectId, "1", "2"), messageOf(b.projectId, "1"), messageOf(a.projectId, "3")];
    expect(await deliver(depsWith(spied), bodies)).toEqual({ acked: expect.arrayContaining([0, 1, 2]), retried: [] });
    expect(writes.toSorted()).toEqual([a.projectId, b.projectId].toSorted());
    expect([await requests(a), await requests(b)]).toEqual([3, 1]);
  });

  it("counts once when it is delivered again, alone or with others, or at the same time", async () => {
    const ledger = await openLedger();
    const deps = depsWith(db);
    const bodies = [messageOf(ledger.projectId, "1", "2"), messageOf(ledger.projectId, "3")];
    await deliver(deps, bodies);
    await Promise.all([deliver(deps, bodies), deliver(depsWith(db), [...bodies, bodies[0]!])]);
    expect(await requests(ledger)).toBe(3);
    expect((await ledger.summary(WEEK)).totals).toMatchObject({ requests: 3, cost_usd: "0.0105" });
    // 3 inserted, 3 + 5 duplicates, the latter counted by the other isolate's part
    expect(deps.queue!.counts.calls).toMatchObject({ inserted: 3, duplicate: 3, conflict: 0 });
  });

  it("comes again later and later when the database is away, and is stored then", async () => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    const ledger = await openLedger();
    const body = messageOf(ledger.projectId, "1");
    const away = depsWith(failingWhere(() => new DatabaseUnavailable("away")));
    expect(await deliver(away, [body], undefined, 1)).toEqual({ acked: [], retried: [[0, 1]] });
    expect(await deliver(away, [body], undefined, 4)).toEqual({ acked: [], retried: [[0, 8]] });
    expect(await deliver(away, [body], undefined, 20)).toEqual({ acked: [], retried: [[0, 900]] });
    expect(await deliver(depsWith(db), [body], undefined, 5)).toEqual({ acked: [0], retried: [] });
    expect(await requests(ledger)).toBe(1);
  });

  it("is stored but for the message that cannot be", async () => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    const ledger = await openLedger();
    const deps = depsWith(
      failingWhere((values) => (JSON.stringify(values).includes("poison") ? new Error("no") : undefined)),
    );
    const bodies = Array.from({ length: 10 }, (_, i) => messageOf(ledger.projectId, i === 4 ? "poison" : `${i}`));
    bodies.push("no message");
    const { acked, retried } = await deliver(deps, bodies);
    expect(acked.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 5, 6, 7, 8, 9]);
    expect(retried.map(([at]) => at)).toEqual(expect.arrayContaining([4, 10]));
    expect(await requests(ledger)).toBe(9);
  });

  it("makes cached summaries of its hours stale", async () => {
    const ledger = await openLedger();
    expect((await ledger.summary(WEEK)).totals.requests).toBe(0);
    await ledger.summary(WEEK);
    await deliver(depsWith(db), [messageOf(ledger.projectId, "1")]);
    expect((await ledger.summary(WEEK)).totals.requests).toBe(1);
  });
});

describe("/metrics", () => {
  it("tells what was sent and stored, how long it took, and what waits", async () => {
    const deps = depsWith(db);
    const ledger = await openLedger();
    const fetch = appWith({ queue: deps.queue, counters: deps.counters });
    const read = async (): Promise<(series: string) => number> => {
      const headers = { authorization: `Bearer ${config.adminKey}` };
      const text = await (await fetch(new Request("http://ledger/metrics", { headers }))).text();
      return (series) => {
        const line = text.split("\n").find((line) => line.startsWith(`${series} `));
        return line === undefined ? 0 : Number(line.slice(series.length));
      };
    };
    const before = await read();
    await deliver(deps, [messageOf(ledger.projectId, "1", "2")]);
    const after = await read();
    // Other tests count in the same Redis.
    for (const [series, least] of [
      ['llm_cost_queue_messages_total{event="stored"}', 1],
      ['llm_cost_queue_traces_total{outcome="inserted"}', 2],
      ["llm_cost_queue_lag_seconds_count", 1],
    ] as const)
      expect(after(series) - before(series), series).toBeGreaterThanOrEqual(least);
    for (const gauge of ["backlog_messages", "backlog_bytes", "oldest_message_seconds"])
      expect(after(`llm_cost_queue_${gauge}`)).toBeGreaterThanOrEqual(0);
  });
});
