/** The scheduled run: what it does when something is due, and that it leaves a quiet database asleep. */
import { createDeps } from "../src/deps.ts";
import { createExecutionContext, createScheduledController, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { type SQL, sql } from "drizzle-orm";
import { PgDialect } from "drizzle-orm/pg-core";
import { describe, expect, inject, it } from "vitest";
import { runScheduled } from "../src/cron.ts";
import { connect, type Database } from "../src/db/client.ts";
import worker from "../src/index.ts";
import { connectRedis, type RedisClient } from "../src/redis.ts";
import { LEVEL } from "../src/ledger/levels.ts";
import { loadCustomPrices } from "../src/pricing/custom-price-store.ts";
import { createPriceBooks } from "../src/pricing/price-books.ts";
import { createMergeSignal } from "../src/rollup/signal.ts";
import { call, config, DAY, db, HOUR, json, MONDAY, openLedger, redis, WEEK, type Ledger } from "./http/ledger.ts";

const dialect = new PgDialect();
const MINUTE = 60_000;
const NOON = Date.UTC(2026, 2, 10, 12);
const SWEEP = Date.UTC(2026, 2, 10, 3);

/** Only the merge signal's part of Redis, apart from the one that all tests share. */
function ownFlag(): RedisClient & { flag: string | null } {
  const own = {
    ...redis,
    flag: null as string | null,
    set: (_: string, value: string) => {
      own.flag = value;
      return Promise.resolve({ down: false as const, value: undefined });
    },
    take: () => {
      const value = own.flag;
      own.flag = null;
      return Promise.resolve({ down: false as const, value });
    },
  };
  return own;
}

/** Deps of a run, with every statement counted. */
function runner(over: { db?: Database; redis?: RedisClient; now?: number } = {}) {
  const flag = ownFlag();
  const counted = { statements: 0 };
  const base = over.db ?? db;
  const count =
    <A extends unknown[], R>(run: (...args: A) => R) =>
    (...args: A): R => {
      counted.statements++;
      return run(...args);
    };
  const spied: Database = {
    ping: count(base.ping),
    query: count(async (query: SQL) => {
      const text = dialect.sqlToQuery(query).sql;
      // Other tests have wrappers that wait for their time, and erasures that wait for their second pass.
      if (text.includes("exists (select from held_wrappers)")) return [{ left: false }];
      return text.includes("select distinct on (project_id) * from erasures") ? [] : await base.query(query);
    }),
    run: count(base.run),
    batch: count(base.batch),
  };
  const now = over.now ?? NOON;
  // A run may find the jobs of other tests, which want their prices.
  const prices = createPriceBooks((projectId) => loadCustomPrices(db, projectId));
  const mergeSignal = createMergeSignal(flag);
  const deps = createDeps(config, { db: spied, redis: over.redis ?? redis, prices, mergeSignal, now: () => now });
  return { deps, flag, counted };
}

async function levels(ledger: Ledger): Promise<Record<string, number>> {
  const rows = await db.query(
    sql`select level, count(*)::int as rows from rollup where project_id = ${ledger.projectId}::uuid group by 1`,
  );
  return Object.fromEntries(rows.map(({ level, rows }) => [String(level), Number(rows)]));
}

async function audit(ledger: Ledger): Promise<{ ok: boolean; days: { difference: object }[] }> {
  return await json(await ledger.fetch(`/v1/audit?${WEEK}`));
}

async function runCron(scheduledTime: number): Promise<void> {
  const handler: ExportedHandler = worker;
  const ctx = createExecutionContext();
  await handler.scheduled!(
    createScheduledController({ scheduledTime: new Date(scheduledTime), cron: "* * * * *" }),
    env,
    ctx,
  );
  await waitOnExecutionContext(ctx);
}

// It merges what all other tests have left, too.
describe("scheduled()", { timeout: 120_000 }, () => {
  it("merges partials into hours, days and weeks; sums and audit are the same before and after", async () => {
    const ledger = await openLedger();
    const spread = Array.from({ length: 30 }, (_, i) =>
      call({ timestamp: MONDAY + i * 5 * HOUR, duration_ms: i + 1, user_id: `u${i % 3}`, tags: { team: `t${i % 2}` } }),
    );
    for (let i = 0; i < 30; i += 10) await ledger.write(spread.slice(i, i + 10));
    await ledger.write([call({ model: "nobody-knows-it" })]);
    const questions = ["", "&group_by=user", "&interval=day&group_by=tag.team", "&interval=hour&include=latency"];
    const answers = () =>
      Promise.all(
        questions.map(async (question) => {
          const response = await ledger.fetch(`/v1/summary?${WEEK}${question}`, {
            headers: { "cache-control": "no-cache" },
          });
          const { as_of: _, ...rest } = await json<Record<string, unknown>>(response);
          return rest;
        }),
      );
    const before = await answers();
    expect(await audit(ledger)).toMatchObject({ ok: true });
    expect((await levels(ledger))[LEVEL.partial]).toBeGreaterThan(0);

    await runCron(Date.UTC(2026, 2, 10, 3));

    const after = await levels(ledger);
    expect(after[LEVEL.partial]).toBeUndefined();
    expect(after[LEVEL.hour] ?? after[LEVEL.freshHour]).toBeGreaterThan(0);
    expect(after[LEVEL.day] ?? after[LEVEL.freshDay]).toBeGreaterThan(0);
    expect(await answers()).toEqual(before);
    const audited = await audit(ledger);
    expect(audited.ok).toBe(true);
    expect(audited.days).toHaveLength(7);
    for (const { difference } of audited.days) {
      expect(difference).toEqual({ requests: 0, input_tokens: 0, output_tokens: 0, cost_usd: "0" });
    }

    // Late data for a merged hour, and another run.
    await ledger.write([call({ timestamp: MONDAY + 1 }), spread[0]!]);
    expect((await ledger.summary(WEEK)).totals.requests).toBe(32);
    await runCron(Date.UTC(2026, 2, 11, 3));
    expect((await ledger.summary(WEEK)).totals.requests).toBe(32);
    expect((await audit(ledger)).ok).toBe(true);
  });
});

describe("an audit", () => {
  it("finds a rollup row that is gone, and one that is there twice", async () => {
    const ledger = await openLedger();
    await ledger.write([call(), call({ timestamp: MONDAY + DAY })]);
    const difference = async () => (await audit(ledger)).days.map(({ difference }) => difference);
    await db.query(sql`
      delete from rollup where project_id = ${ledger.projectId}::uuid and bucket < to_timestamp(${(MONDAY + DAY) / 1_000})`);
    expect((await audit(ledger)).ok).toBe(false);
    expect(await difference()).toEqual([
      { requests: -1, input_tokens: -1_000, output_tokens: -100, cost_usd: "-0.0035" },
      { requests: 0, input_tokens: 0, output_tokens: 0, cost_usd: "0" },
    ]);
    await db.query(sql`insert into rollup select * from rollup where project_id = ${ledger.projectId}::uuid`);
    expect((await difference())[1]).toEqual({
      requests: 1,
      input_tokens: 1_000,
      output_tokens: 100,
      cost_usd: "0.0035",
    });
  });
});

const keepAlive = (): void => {};

describe("runScheduled", { timeout: 120_000 }, () => {
  it("does not touch the database while the flag is down", async () => {
    const { deps, counted } = runner();
    expect(await runScheduled(deps, NOON, keepAlive)).toBeNull();
    expect(counted.statements).toBe(0);
  });

  it("runs when the flag is up, once: the flag comes down", async () => {
    const { deps, flag, counted } = runner();
    flag.flag = String(NOON - MINUTE);
    expect(await runScheduled(deps, NOON, keepAlive)).toMatchObject({ drained: true });
    expect(counted.statements).toBeGreaterThan(0);
    expect(await runScheduled(deps, NOON + MINUTE, keepAlive)).toBeNull();
  });

  it("lets labels wait in the minutes between, with the flag up, and then merges them", async () => {
    const ledger = await openLedger();
    await ledger.write([call({ user_id: "u" }), call({ user_id: "u" }), call({})]);
    const partials = async () =>
      (
        await db.query(sql`
          select label, count(*)::int as rows from rollup
          where project_id = ${ledger.projectId}::uuid and level = ${LEVEL.partial} group by 1`)
      ).map(({ label, rows }) => [label, rows]);
    const { deps, flag } = runner();
    flag.flag = String(NOON - MINUTE);
    expect(await runScheduled(deps, NOON + MINUTE, keepAlive)).toMatchObject({ drained: true });
    expect(await partials()).toEqual([["*", 2]]);
    expect(flag.flag).not.toBeNull();
    expect((await ledger.summary(`${WEEK}&user=u`)).totals.requests).toBe(2);
    await runScheduled(deps, NOON + 5 * MINUTE, keepAlive);
    expect(await partials()).toEqual([]);
    expect((await ledger.summary(`${WEEK}&user=u`)).totals.requests).toBe(2);
  });

  it("runs once more after a flag that was just raised: writes may follow it unseen", async () => {
    const { deps, flag } = runner();
    flag.flag = String(NOON - 1_000);
    expect(await runScheduled(deps, NOON, keepAlive)).not.toBeNull();
    expect(flag.flag).not.toBeNull();
  });

  it("runs at the sweep minute of each day whatever the flag says, and at no other", async () => {
    const { deps } = runner();
    expect(await runScheduled(deps, SWEEP + 59_999, keepAlive)).not.toBeNull();
    expect(await runScheduled(deps, SWEEP - 1, keepAlive)).toBeNull();
    expect(await runScheduled(deps, SWEEP + MINUTE, keepAlive)).toBeNull();
  });

  it("runs when Redis cannot say", async () => {
    const { deps } = runner();
    deps.mergeSignal = createMergeSignal(connectRedis("http://127.0.0.1:9", "any"));
    expect(await runScheduled(deps, NOON, keepAlive)).not.toBeNull();
  });

  it("keeps the flag up when it fails halfway", async () => {
    const broken = { ...db, run: () => Promise.reject(new Error("cut off")) };
    const { deps, flag } = runner({ db: broken });
    flag.flag = String(NOON - MINUTE);
    await expect(runScheduled(deps, NOON, keepAlive)).rejects.toThrow("cut off");
    expect(flag.flag).not.toBeNull();
  });

  it("keeps partitions three months ahead", async () => {
    const [row] = await db.query(sql`
      select to_char(current_date + interval '3 months', '"traces_"YYYY_MM') as name`);
    const name = String(row!["name"]);
    const exists = async () => (await db.query(sql`select to_regclass(${name}) is not null as there`))[0]!["there"];
    const { NEON_FETCH_ENDPOINT: fetchEndpoint } = inject("bindings");
    const owner = connect({ url: inject("databaseUrl"), fetchEndpoint });
    await owner.query(sql`drop table ${sql.identifier(name)}`);
    await runScheduled(runner().deps, SWEEP, keepAlive);
    expect(await exists()).toBe(true);
  });

  it("repeats an epoch move that a write could not do", async () => {
    const ledger = await openLedger();
    const due = async () =>
      (await db.query(sql`select epoch_move_due_at as at from projects where id = ${ledger.projectId}::uuid`))[0]![
        "at"
      ];
    const epoch = async () => {
      const reply = await redis.getMany([`epoch:${ledger.projectId}`]);
      return reply.down ? "down" : reply.value[0];
    };
    await ledger.write([call()]);
    const before = await epoch();
    await db.query(sql`update projects set epoch_move_due_at = now() where id = ${ledger.projectId}::uuid`);

    await runScheduled(runner().deps, SWEEP, keepAlive);
    expect(await due()).toBeNull();
    expect(await epoch()).not.toBe(before);
  });
});
