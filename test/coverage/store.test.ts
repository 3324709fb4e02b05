/** Counters add up once: differences and running totals, repeated, late, out of order, and wrong. */
import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { sql } from "drizzle-orm";
import { readCoverage, shareOf } from "../../src/coverage/coverage.ts";
import type { Point } from "../../src/coverage/point.ts";
import { MAX_SERIES, storePoints } from "../../src/coverage/store.ts";
import { database, newProject } from "../ledger.ts";

const db = database();
const DAY = Date.UTC(2026, 10, 10);
const RANGE = { fromMs: DAY - 5 * 86_400_000, toMs: DAY + 5 * 86_400_000, endMs: DAY + 5 * 86_400_000 };
const MINUTE = 60_000;

const digestOf = (text: string): string =>
  createHash("md5")
    .update(text)
    .digest("hex")
    .replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
const ns = (ms: number): bigint => BigInt(ms) * 1_000_000n;

function point(amount: number, endMs: number, fields: Partial<Point> = {}): Point {
  return {
    emitter: "claude-code",
    application: "claude-code",
    measures: ["input"],
    series: "series",
    session: null,
    instance: null,
    cumulative: false,
    startNs: ns(endMs - MINUTE),
    timeNs: ns(endMs),
    amount: BigInt(amount),
    ...fields,
  };
}

const running = (amount: number, atMs: number, fields: Partial<Point> = {}): Point =>
  point(amount, atMs, { cumulative: true, startNs: ns(DAY), ...fields });

/** The days' input tokens, after each body was stored. */
async function stored(...bodies: Point[][]) {
  const project = await newProject(db);
  for (const body of bodies) await storePoints(db, project, body);
  const { rows, totals } = await readCoverage(db, project, RANGE);
  return {
    days: Object.fromEntries(rows.map(({ day, claimed }) => [day, claimed.input_tokens])),
    total: totals[0]!,
    project,
  };
}

describe("differences", () => {
  const [a, b, c] = [point(5, DAY + MINUTE), point(7, DAY + 2 * MINUTE), point(11, DAY + 3 * MINUTE)];

  it("add up once, in any order, also where a retry holds some that were stored", async () => {
    for (const bodies of [[[a, b, c]], [[c], [a, b], [a, b, c]], [[b], [b, a], [c, b, a], [a]]])
      expect((await stored(...bodies)).days).toEqual({ "2026-11-10": 23 });
  });

  it("of two machines that look alike add up", async () => {
    const others = [point(5, DAY + MINUTE + 1), point(6, DAY + MINUTE), point(5, DAY + MINUTE, { series: "other" })];
    expect((await stored([a], others, others)).days).toEqual({ "2026-11-10": 21 });
  });

  it("below 0 count for nothing and are told, once", async () => {
    const negative = point(-1, DAY + MINUTE);
    const { days, total } = await stored([a, negative], [negative]);
    expect(days).toEqual({ "2026-11-10": 5 });
    expect(total.claimed.flagged_points).toBe(1);
    expect(total.notes.join()).toContain("1 points were below 0");
  });

  it("are of the UTC day on which they end", async () => {
    const { days, total } = await stored([point(1, DAY - 1), point(2, DAY)]);
    expect(days).toEqual({ "2026-11-09": 1, "2026-11-10": 2 });
    expect(total.claimed.input_tokens).toBe(3);
  });

  it("written by many at once add up once", async () => {
    const project = await newProject(db);
    const points = Array.from({ length: 20 }, (_, i) => point(1, DAY + i * MINUTE, { session: `s-${i % 3}` }));
    await Promise.all(Array.from({ length: 8 }, (_, i) => storePoints(db, project, points.slice(i, i + 12))));
    await storePoints(db, project, points);
    const { totals } = await readCoverage(db, project, RANGE);
    expect(totals[0]).toMatchObject({ claimed: { input_tokens: 20, sessions: 3 }, missing: { sessions: 3 } });
  });
});

describe("running totals", () => {
  const day = 86_400_000;

  it("count what they rose by, a day after another", async () => {
    const bodies = [
      [running(5, DAY + MINUTE)],
      [running(8, DAY + day), running(7, DAY + 2 * MINUTE)],
      [running(20, DAY + 3 * day)],
    ];
    const expected = { "2026-11-10": 7, "2026-11-11": 1, "2026-11-13": 12 };
    expect((await stored(...bodies)).days).toEqual(expected);
    expect((await stored(...bodies.toReversed(), ...bodies)).days).toEqual(expected);
    expect((await stored(...bodies)).total.notes.join()).not.toContain("ran before");
  });

  it("begin anew with another start", async () => {
    const again = running(3, DAY + 9 * MINUTE, { startNs: ns(DAY + 8 * MINUTE) });
    const { days, total } = await stored([running(5, DAY + MINUTE)], [again], [again]);
    expect(days).toEqual({ "2026-11-10": 8 });
    expect(total.claimed.flagged_points).toBe(0);
  });

  it("that go back are told, in any order, and never count less", async () => {
    const [high, low] = [running(9, DAY + MINUTE), running(4, DAY + 2 * MINUTE)];
    for (const bodies of [[[high, low]], [[high], [low]], [[low], [high]], [[low], [high], [low]]]) {
      const { days, total } = await stored(...bodies);
      expect(days).toEqual({ "2026-11-10": 9 });
      expect(total.claimed.flagged_points).toBe(1);
    }
    const { total } = await stored([high], [running(4, DAY + day)]);
    expect(total).toMatchObject({ claimed: { input_tokens: 9, flagged_points: 1 } });
  });

  it("without a start are one series, and the restart that it hides is told", async () => {
    const unknown = { startNs: 0n };
    const bodies = [[running(5, DAY + MINUTE, unknown), running(9, DAY + 2 * MINUTE, unknown)]];
    const { days, total } = await stored(...bodies, [running(4, DAY + 3 * MINUTE, unknown)]);
    expect(days).toEqual({ "2026-11-10": 9 });
    expect(total.claimed.flagged_points).toBe(1);
  });

  it("beside differences of the same day count too, and the answer says so", async () => {
    const both = "as differences and as running totals";
    const { days, total } = await stored([running(5, DAY + MINUTE)], [point(5, DAY + MINUTE)]);
    expect(days).toEqual({ "2026-11-10": 10 });
    expect(total.notes.join()).toContain(both);
    for (const one of [running, point]) expect((await stored([one(5, DAY)])).total.notes.join()).not.toContain(both);
  });

  it("that ran before the ledger saw them say so", async () => {
    const { total } = await stored([running(5, DAY + day, { startNs: ns(DAY - 9 * day) })]);
    expect(total.notes.join()).toContain("A counter ran before its first point came");
  });
});

it("lists what was seen in the range, but not in its last day", async () => {
  const at = (day: number): number => DAY + day * 86_400_000;
  const project = await newProject(db);
  await storePoints(db, project, [
    point(1, at(0), { series: "1", instance: "left" }),
    point(1, at(1), { series: "1", instance: "left" }),
    point(1, at(1), { series: "2", instance: "here" }),
    point(1, at(4), { series: "2", instance: "here" }),
    running(1, at(2), { emitter: "codex", application: "codex_exec", series: "3", instance: "left" }),
    point(1, at(-6), { series: "4", instance: "before" }),
    point(1, at(-6), { emitter: "otel", application: "before the range" }),
    point(1, at(3), { emitter: "otel", application: "shop" }),
  ]);
  const { silent } = await readCoverage(db, project, RANGE);
  const machine = digestOf("left");
  const of = (emitter: string, day: number, installation: string | null, application: string | null = null) => ({
    emitter,
    application,
    installation,
    last_at: new Date(at(day)).toISOString(),
  });
  expect(silent).toEqual([
    of("otel", 3, null, "shop"),
    of("codex", 2, null),
    of("codex", 2, machine),
    of("claude-code", 1, machine),
  ]);
  // A day is not over for what was seen less than 24 hours before its end, or before now.
  const until = async (endMs: number) => (await readCoverage(db, project, { ...RANGE, endMs })).silent.length;
  expect([await until(at(2)), await until(at(2) + 1), await until(at(4))]).toEqual([0, 1, 3]);
});

it("has a bounded number of series a day, and counts what has no room", async () => {
  const many = Array.from({ length: MAX_SERIES + 3 }, (_, i) => running(1, DAY + MINUTE, { series: `s-${i}` }));
  const { total, project } = await stored(many.slice(0, 2_000), many.slice(2_000), [
    running(2, DAY + 2 * MINUTE, { series: "s-0" }),
  ]);
  expect(total).toMatchObject({ claimed: { input_tokens: MAX_SERIES + 1, left_out_points: 3 } });
  const [row] = await db.query(
    sql`select count(*)::int as rows from reported_usage where project_id = ${project}::uuid`,
  );
  expect(row).toEqual({ rows: MAX_SERIES + 1 });
});

it("keeps no text of a session or an installation", async () => {
  const { project } = await stored([
    point(1, DAY, { session: "ada@example.com", instance: "ada-laptop", series: "ada" }),
  ]);
  const [row] = await db.query(sql`select r::text as text from reported_usage r where project_id = ${project}::uuid`);
  expect(String(row!["text"])).not.toContain("ada");
});

it("shares are cut, so that only equal ones are 100", () => {
  const cases: [bigint | null, bigint | null, number | null][] = [
    [3n, 3n, 100],
    [1_000_000n, 999_999n, 99.99],
    [1_000_000n, 1_000_001n, 100.01],
    [3n, 1n, 33.33],
    [5n, null, 0],
    [0n, 5n, null],
    [null, 5n, null],
  ];
  for (const [agent, ledger, share] of cases) expect(shareOf(agent, ledger)).toBe(share);
});
