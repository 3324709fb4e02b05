import { describe, expect, it } from "vitest";
import { chartSvg, niceCeiling } from "../../scripts/load-test/charts.ts";
import { createLatencies } from "../../scripts/load-test/histogram.ts";
import { parseLoadTestArgs } from "../../scripts/load-test/options.ts";
import { planOf, stalls } from "../../scripts/load-test/plan.ts";
import { createRecorder, figures, outcomeOf } from "../../scripts/load-test/record.ts";
import { scenario } from "../../scripts/load-test/scenarios.ts";
import { dueBySecond, replaySchedule, userSchedule } from "../../scripts/load-test/schedule.ts";
import { createTraffic } from "../../scripts/load-test/traffic.ts";
import { bottleneck, brokenBy, faults, stallFelt, type StageFigures } from "../../scripts/load-test/verdict.ts";

describe("npm run load-test: flags", () => {
  it("reads scenario, duration and where the report goes", () => {
    expect(parseLoadTestArgs(["--scenario", "peak", "--duration", "5m", "--out", "reports"])).toEqual({
      work: { scenario: "peak" },
      target: undefined,
      key: undefined,
      seconds: 300,
      out: "reports",
    });
    expect(parseLoadTestArgs(["--replay", "a.csv", "--speed", "60"]).work).toEqual({ replay: "a.csv", speed: 60 });
  });

  it.each(["http://127.0.0.1:8787", "http://localhost:1", "https://[::1]:8787", "http://127.9.9.9"])(
    "loads this machine: %s",
    (target) => expect(parseLoadTestArgs(["--scenario", "normal", "--target", target]).target).toBe(target),
  );

  it.each([
    "http://example.com",
    "http://10.0.0.1",
    "http://127.0.0.1.example.com",
    "http://localhost.example.com",
    "http://127.0.0.1@example.com",
    "http://[::2]",
    "http://0.0.0.0",
  ])("refuses %s unless it is said to be one's own", (target) => {
    const args = ["--scenario", "normal", "--target", target];
    expect(() => parseLoadTestArgs(args)).toThrow("is not this machine");
    expect(parseLoadTestArgs([...args, "--i-own-this-host"]).target).toBe(target);
  });

  it.each([
    [[], "--scenario or --replay"],
    [["--scenario", "normal", "--replay", "a.csv"], "cannot be used with option '--replay <file.csv>'"],
    [
      ["--scenario", "calm"],
      "--scenario <name>' argument 'calm' is invalid. Allowed choices are normal, peak, stress, seed, stall",
    ],
    [["--scenario", "normal", "--speed", "2"], "'--speed <n>' cannot be used with option '--scenario <name>'"],
    [["--replay", "a.csv", "--speed", "0"], "above 0"],
    [["--scenario", "normal", "--duration", "1h"], "90s or 5m"],
    [["--scenario", "normal", "--target", "ftp://127.0.0.1"], "must be an http(s) URL"],
    [["--scenario", "stall", "--target", "http://127.0.0.1"], "a server of its own"],
    [["--scenario", "normal", "--bogus"], "--bogus"],
  ])("refuses %j", (args, message) => expect(() => parseLoadTestArgs(args)).toThrow(message));
});

describe("schedules", () => {
  it("normal offers 100 users x 10/s = 1,000 in each second, evenly", () => {
    const [{ users, ratePerSecond } = { users: 0, ratePerSecond: 0 }] = scenario("normal", 2).stages;
    const all = Array.from({ length: users }, (_, user) => [...userSchedule(user, users, ratePerSecond, 2_000)]).flat();
    expect(dueBySecond(all)).toEqual([1_000, 1_000]);
    const sorted = all.toSorted((a, b) => a - b);
    expect(Math.max(...sorted.slice(1).map((ms, i) => ms - sorted[i]!))).toBeCloseTo(1, 1);
  });

  it("peak offers 7,500/s and the seed's load 500/s for ten minutes", () => {
    expect(scenario("peak", undefined).stages).toMatchObject([{ users: 500, ratePerSecond: 15 }]);
    expect(scenario("seed", undefined).stages).toMatchObject([{ users: 100, ratePerSecond: 5, seconds: 600 }]);
  });

  it("stress climbs by half again", () => {
    const { climbs, stages } = scenario("stress", undefined);
    expect(climbs).toBe(true);
    expect(stages.slice(0, 4).map(({ name }) => name)).toEqual(["100/s", "150/s", "230/s", "350/s"]);
  });

  it("stall writes 40/s, of which the database stands still for the second of three parts", async () => {
    const { climbs, mix, stages } = scenario("stall", undefined);
    expect([climbs, mix.writes]).toEqual([false, 1]);
    expect(stages.map(({ seconds, stalled = false }) => [seconds, stalled])).toEqual([
      [10, false],
      [10, true],
      [10, false],
    ]);
    const { parts } = await planOf("0123456789ab", { scenario: "stall" }, 2);
    expect(parts.map(({ stalled, offered }) => [stalled, offered()])).toEqual([
      [false, [40, 40]],
      [true, [40, 40]],
      [false, [40, 40]],
    ]);
    expect([stalls({ scenario: "stall" }), stalls({ scenario: "normal" })]).toEqual([true, false]);
  });

  it("a replay keeps the gaps, N times shorter", () => {
    expect(replaySchedule([5_000, 1_000, 1_250], 2)).toEqual([0, 125, 2_000]);
  });
});

describe("figures", () => {
  it.each([0.01, 1, 500])("percentiles of 1 to 1,000 times %s ms are at most 1% too high", (unit) => {
    const latencies = createLatencies();
    for (let n = 1; n <= 1_000; n++) latencies.add(n * unit);
    const { p50, p95, p99, max } = latencies.percentiles();
    for (const [measured, exact] of [
      [p50, 500 * unit],
      [p95, 950 * unit],
      [p99, 990 * unit],
    ] as const) {
      expect(measured).toBeGreaterThanOrEqual(exact);
      expect(measured).toBeLessThanOrEqual(exact * 1.01);
    }
    expect(max).toBe(1_000 * unit);
  });

  it("percentiles of nothing are 0, and the longest of all is told", () => {
    const latencies = createLatencies();
    expect(latencies.percentiles()).toEqual({ p50: 0, p90: 0, p95: 0, p99: 0, max: 0 });
    latencies.add(3_600_000);
    const { p99, max } = latencies.percentiles();
    expect(p99 / 600_000).toBeCloseTo(1, 1);
    expect(max).toBe(3_600_000);
  });

  it("charges what waited from when it was due, also what was never sent", () => {
    const recorder = createRecorder();
    // Due at 0, sent at 900 behind a slow answer, answered at 1,000: 1,000 ms, of which 100 after it was sent.
    recorder.answered("write", "ok", { dueMs: 0, sentMs: 900, doneMs: 1_000 });
    recorder.unsent(1_500, 3_500);
    const { offered, unsent, fromDueMs, fromSentMs } = figures(recorder.total);
    expect({ offered, unsent, due: fromDueMs.max, sent: fromSentMs.max }).toEqual({
      offered: 2,
      unsent: 1,
      due: 3_500,
      sent: 100,
    });
    expect(recorder.seconds.map(({ offered, outcomes }) => [offered, outcomes.ok])).toEqual([
      [1, 0],
      [1, 1],
    ]);
  });

  it("tells 429 and 503 from other failures", () => {
    expect([200, 202, 429, 503, 500, 502, 401].map(outcomeOf)).toEqual([
      "ok",
      "ok",
      "limited",
      "unavailable",
      "error",
      "error",
      "refused",
    ]);
  });
});

describe("traffic", () => {
  it("of normal is 70% reads, and no two calls have one identity", () => {
    const { next } = createTraffic("0123456789ab", scenario("normal", 1).mix);
    const requests = Array.from({ length: 5_000 }, next);
    const writes = requests.filter(({ kind }) => kind === "write");
    expect(writes.length / requests.length).toBeCloseTo(0.3, 1);
    const calls = writes.flatMap(({ body }) => JSON.parse(String(body)) as Record<string, string>[]);
    expect(new Set(calls.map(({ id }) => id)).size).toBe(calls.length);
    expect(new Set(calls.map(({ trace_id }) => trace_id)).size).toBe(calls.length);
    expect(calls.every(({ application }) => application!.endsWith("-0123456789ab"))).toBe(true);
  });
});

describe("verdict", () => {
  const stage = (changes: Partial<StageFigures>): StageFigures => ({
    name: "100/s",
    users: 10,
    ...figures(createRecorder().total),
    offeredRate: 100,
    achievedRate: 100,
    cpu: {},
    ...changes,
  });
  const outcomes = { ok: 100, limited: 0, unavailable: 0, refused: 0, error: 0, failed: 0 };
  const latency = { p50: 5, p90: 8, p95: 1_200, p99: 1_300, max: 2_000 };

  it("a stage breaks by latency, by errors, or by falling behind", () => {
    expect(brokenBy(stage({}))).toEqual([]);
    expect(brokenBy(stage({ fromDueMs: latency }))).toEqual(["p95 is 1200 ms"]);
    expect(brokenBy(stage({ outcomes: { ...outcomes, unavailable: 3 } }))).toEqual(["3 unavailable"]);
    expect(brokenBy(stage({ achievedRate: 89 }))).toEqual(["89% of the offered rate was achieved"]);
  });

  it.each([
    [{ load: 0.3, worker: 0.97, endpoint: 0.3, postgres: 0.3, machine: 1.9 }, "The Worker (workerd): a whole core"],
    [{ load: 0.95, worker: 0.97, endpoint: 0.3, postgres: 0.3, machine: 2 }, "The load generator itself"],
    [{ load: 0.3, worker: 0.5, endpoint: 0.2, postgres: 0.8, machine: 1.9 }, "most by Postgres"],
    [{ load: 0.2, worker: 0.3, endpoint: 0.2, postgres: 0.2, machine: 2 }, "most by what else runs on it"],
    [{ load: 0.2, worker: 0.3, endpoint: 0.2, postgres: 0.3, machine: 1 }, "No CPU"],
  ])("with %j the bottleneck is: %s", (cpu, sentence) => {
    expect(bottleneck(stage({ cpu }), 2)).toContain(sentence);
  });

  it.each([
    [{ ...outcomes, limited: 9 }, "rate limit"],
    [{ ...outcomes, unavailable: 9, limited: 1 }, "database"],
    [{ ...outcomes, failed: 9 }, "connections"],
    [{ ...outcomes, error: 9 }, "own faults"],
    [outcomes, "answers all, but late"],
  ])("of a server elsewhere it is told by its answers: %j", (outcomes, sentence) => {
    expect(bottleneck(stage({ outcomes }), 2)).toContain(sentence);
  });

  it("503 and 429 are no fault, lost calls and 5xx are", () => {
    const ledger = { acknowledged: 10, open: 2, counted: 11, lost: 0, surplus: 0 };
    expect(faults(stage({ outcomes: { ...outcomes, limited: 1, unavailable: 2 } }), ledger)).toEqual([]);
    expect(faults(stage({ outcomes: { ...outcomes, error: 1 } }), { ...ledger, lost: 1 })).toEqual([
      "1 acknowledged calls are lost",
      "1 answers were 5xx other than 503",
    ]);
    expect(faults(stage({ outcomes }), { ...ledger, counted: 0, trouble: "GET / gave 503" })).toEqual([
      "the ledger cannot be checked: GET / gave 503",
    ]);
  });

  it("answers that come later while the database stands still are a fault", () => {
    const took = (p95: number) => stage({ fromDueMs: { p50: 1, p90: p95, p95, p99: p95, max: p95 } });
    expect(stallFelt(took(8), took(58))).toEqual([]);
    expect(stallFelt(took(200), took(400))).toEqual([]);
    expect(stallFelt(took(8), took(59))).toEqual(["p95 rose from 8 ms to 59 ms while the database stood still"]);
  });
});

describe("charts", () => {
  it("scale to round numbers", () => {
    expect([0, 0.4, 1, 1.1, 30, 215, 501].map(niceCeiling)).toEqual([1, 1, 1, 1.2, 30, 300, 600]);
  });

  it("shade times that are set apart", () => {
    const values = Array.from({ length: 31 }, () => 1);
    const shaded = [{ fromSecond: 10, toSecond: 20 }];
    const svg = chartSvg({ title: "a", unit: "ms", series: [{ name: "p95", values }], shaded });
    // A third of the 884 pixels between the axes, a third from the left one.
    expect(svg).toContain('<rect x="358.7" y="12" width="294.7"');
  });

  it("leave gaps where nothing is known, and escape names", () => {
    const svg = chartSvg({ title: "<a>", unit: "ms", series: [{ name: "p95", values: [1, null, 3, 4] }] });
    expect(svg).toContain("&#60;a&#62;");
    expect(svg).not.toContain("NaN");
    expect(/d="([^"]*)"/.exec(svg)![1]!.match(/M/g)).toHaveLength(2);
  });
});
