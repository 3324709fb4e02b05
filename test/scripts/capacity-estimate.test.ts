import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { billOf } from "../../scripts/capacity/bill.ts";
import { parseCalibration, readCalibration } from "../../scripts/capacity/calibration.ts";
import { estimate } from "../../scripts/capacity/estimate.ts";
import { parseCapacityArgs } from "../../scripts/capacity/options.ts";
import { LIST_PRICES, type PriceName } from "../../scripts/capacity/prices.ts";
import type { Scenario } from "../../scripts/capacity/scenario.ts";
import { sizeFor } from "../../scripts/capacity/size.ts";
import { CommandError, HelpAsked } from "../../scripts/command.ts";
import { CALIBRATION, postgres, scenario } from "./capacity-world.ts";

const of = (changes: Partial<Scenario>, cores?: number) => estimate(scenario(changes), CALIBRATION, LIST_PRICES, cores);

describe("the calibration", () => {
  it("comes in the form of the benchmark's JSON", async () => {
    expect((await readCalibration()).databaseUsPerTrace).toBeGreaterThan(0);
  });

  it("must have every figure: what is missing is named", () => {
    const row = (id: string, value: number) => ({ id, name: id, value, unit: "us", ratio: 1 });
    const results = { ingest: [row("ingest.worker_cpu_us_per_trace", 20), row("summary.database_ms", 0)] };
    const parse = () => parseCalibration({ machine: "x", results });
    expect(parse).toThrow(CommandError);
    expect(parse).toThrow("no row with the id merge.database_cpu_us_per_trace");
    expect(parse).toThrow("summary.database_ms must be above 0, not 0");
    expect(parse).not.toThrow("ingest.worker_cpu_us_per_trace");
  });
});

describe("the bill", () => {
  const { outcome, storage } = of({});
  const lines = (changes: Partial<typeof outcome>, asked = scenario()) => {
    const bill = billOf(asked, postgres(1), { ...outcome, ...changes }, storage, LIST_PRICES);
    return Object.fromEntries(bill.lines.map(({ name, usd }) => [name, usd])) as Record<PriceName, number>;
  };
  const daily = (monthly: number): number => (monthly * 12) / 365;

  it("is Cloudflare's own example: 100 million requests of 7 ms a month cost $27.00 and $13.40", () => {
    // 1,440 scheduled runs a day count as requests too.
    const requests = daily(100e6) - 1_440;
    const bill = lines({ requests, reads: 0, workerUs: daily(100e6) * 7_000 });
    expect(bill["workers-requests"]).toBeCloseTo(27, 9);
    expect(bill["workers-cpu"]).toBeCloseTo(13.4, 9);
  });

  it("has three operations for each 64 KB of a message", () => {
    const queue = scenario({ mode: "queue", payloadBytes: 1_000 });
    // (10 million x 3 - 1 million) x $0.40 a million; messages of 100 traces of 1,000 bytes are two.
    expect(lines({ messages: daily(10e6), arrived: daily(10e6) * 10 }, queue)["queues-operations"]).toBeCloseTo(11.6);
    expect(lines({ messages: daily(10e6), arrived: daily(10e6) * 100 }, queue)["queues-operations"]).toBeCloseTo(23.6);
  });

  it("never falls when traces rise", () => {
    const volumes = [1e4, 1e5, 1e6, 3e6, 1e7, 4e7, 1e8, 3e8, 1e9, 1.1e9, 3e9, 1e10];
    for (const mode of ["direct", "queue"] as const) {
      const totals = volumes.map((tracesPerDay) => of({ tracesPerDay, mode }).bill.totalUsd);
      expect(totals).toEqual([...totals].sort((a, b) => a - b));
    }
  });

  it("takes prices of one's own", () => {
    const { prices } = parseCapacityArgs(["--traces-per-day", "1M", "--price", "postgres-storage=0.1"]);
    expect(prices["postgres-storage"].usd).toBe(0.1);
    const bill = billOf(scenario(), postgres(1), outcome, storage, prices);
    // 90 million traces of 500 bytes are 45 GB, and the rollups.
    expect(bill.lines.find(({ name }) => name === "postgres-storage")!.usd).toBeGreaterThan(4.5);
    expect(bill.lines.find(({ name }) => name === "postgres-storage")!.usd).toBeLessThan(9);
  });
});

describe("the size of Postgres", () => {
  it("is the smallest that carries the day, and then nobody is told 503", () => {
    const { postgres, verdict, outcome } = of({ tracesPerDay: 1e9 });
    expect(postgres.coresPerShard * postgres.shards).toBeGreaterThan(1);
    expect(verdict.holds).toBe(true);
    expect(outcome.unavailable).toBe(0);
  });

  it("never shrinks when there is more of anything, whatever it is divided by", () => {
    const amount = fc.integer({ min: 0, max: 500 });
    fc.assert(
      fc.property(amount, amount, fc.integer({ min: 0, max: 200_000 }), fc.constantFrom(0, 1, 2), (...found) => {
        const [primary, merge, storageGb, which] = found;
        const cores = (factors: readonly number[]): number => {
          const need = { primary: primary * factors[0]!, merge: (merge / 500) * factors[1]!, summaries: 0 };
          const { shards, coresPerShard } = sizeFor(need, storageGb * factors[2]!, false);
          return shards * coresPerShard;
        };
        expect(cores([0, 1, 2].map((i) => (i === which ? 1.3 : 1)))).toBeGreaterThanOrEqual(cores([1, 1, 1]));
      }),
      { numRuns: 2_000 },
    );
  });

  it("is smaller in queue mode, which evens out bursts", () => {
    const cores = (mode: Scenario["mode"]) => of({ tracesPerDay: 1e9, mode, historyDays: 1 }).postgres.coresPerShard;
    expect(cores("queue")).toBeLessThan(cores("direct"));
  });
});

describe("the verdict", () => {
  const fullest = (found: ReturnType<typeof of>) => found.verdict.bottleneck;

  it("names a Postgres that is too small, and the size that is not", () => {
    const found = of({ tracesPerDay: 1e9, historyDays: 1 }, 1);
    expect(fullest(found)).toBe("Postgres CPU");
    expect(found.verdict.holds).toBe(false);
    expect(found.verdict.advice[0]).toMatch(/^A bigger Postgres: \d+ CU/);
  });

  it("names nothing where there is room everywhere", () => {
    expect(fullest(of({ tracesPerDay: 10_000 }, 2))).toBeNull();
  });

  it("names storage where history is long", () => {
    const found = of({ tracesPerDay: 1e7, historyDays: 3_000 }, 8);
    expect(fullest(found)).toBe("Postgres storage");
    expect(found.verdict.advice[0]).toContain("Keep traces for less than 3000 days");
  });

  it("names merging where it cannot keep up, and shards against it", () => {
    const slow = { ...CALIBRATION, mergeUsPerTrace: 500 };
    const found = estimate(scenario({ tracesPerDay: 2e8, historyDays: 1 }), slow, LIST_PRICES, 16);
    expect(fullest(found)).toBe("merging");
    expect(found.outcome.unmerged).toBeGreaterThan(1e6);
    expect(found.verdict.advice[0]).toContain("a deployment for each");
  });

  describe("on Citus", () => {
    const onCitus = (citusWorkers: number, cores?: number) =>
      estimate(scenario({ tracesPerDay: 1e8, historyDays: 1, citusWorkers }), CALIBRATION, LIST_PRICES, cores);

    it("takes more cores in all than one Postgres does", () => {
      const { postgres, need, bill } = onCitus(4);
      expect(postgres).toMatchObject({ shards: 4, coordinatorCores: postgres.coresPerShard });
      expect(need.primary).toBeGreaterThan(3 * onCitus(0).need.primary);
      expect(bill.totalUsd).toBeGreaterThan(onCitus(0).bill.totalUsd);
    });

    it("is at its end with the coordinator, past which more workers do not help", () => {
      const [few, many] = [onCitus(4, 8), onCitus(40, 8)].map(
        ({ verdict }) => verdict.parts.find(({ name }) => name === "Citus coordinator")!.share,
      );
      expect(many).toBe(few);
    });

    it("merges for all workers in one line", () => {
      const [few, many] = [onCitus(2, 8), onCitus(16, 8)].map(
        ({ verdict }) => verdict.parts.find(({ name }) => name === "merging")!.share,
      );
      expect(many).toBe(few);
    });
  });

  it("advises a read replica where summaries are most of the work, and not once there is one", () => {
    const advice = (replica: boolean) => of({ readsPerSecond: 200, cacheHits: 0, replica }).verdict.advice.join(" ");
    expect(advice(false)).toContain("A read replica");
    expect(advice(true)).not.toContain("A read replica");
  });
});

describe("npm run capacity", () => {
  const parse = (line: string) => parseCapacityArgs(line.split(" "));

  it("reads k, M and B, and regions with weights", () => {
    const [{ scenario } = { scenario: undefined }] = parse(
      "--traces-per-day 2.5M --regions us-east:3,eu-west",
    ).scenarios;
    expect(scenario!.tracesPerDay).toBe(2_500_000);
    expect(scenario!.regions).toEqual([
      { name: "us-east", share: 0.75 },
      { name: "eu-west", share: 0.25 },
    ]);
    expect(parse("--tiers --seed x").scenarios.map(({ scenario }) => scenario.tracesPerDay)).toEqual([
      1e4, 1e6, 1e7, 1e9, 1e10,
    ]);
  });

  it.each([
    ["--seed 1", "either --traces-per-day or --tiers"],
    ["--tiers --traces-per-day 1M", "'--traces-per-day <n>' cannot be used with option '--tiers'"],
    ["--traces-per-day many", "--traces-per-day <n>' argument 'many' is invalid. It must be a number"],
    ["--traces-per-day 0", "--traces-per-day <n>' argument '0' is invalid. It must be a number above 0"],
    ["--traces-per-day 1M --regions mars", "of us-east, us-west"],
    ["--traces-per-day 1M --regions us-east,us-east", "each once"],
    [
      "--traces-per-day 1M --cache-hits 2",
      "--cache-hits <share>' argument '2' is invalid. It must be a number from 0 to 1",
    ],
    ["--traces-per-day 1M --mode fast", "--mode <mode>' argument 'fast' is invalid. Allowed choices are direct, queue"],
    [
      "--traces-per-day 1M --payload-bytes 200000",
      "--payload-bytes <n>' argument '200000' is invalid. It must be a whole number from 1 to 128000",
    ],
    ["--traces-per-day 1M --price gold=1", "of workers-plan, workers-requests"],
    ["--traces-per-day 1M --price hyperdrive=x", "'hyperdrive=x' is invalid. It must be NAME=USD"],
    ["--traces-per-day 1M --bogus", "--bogus"],
  ])("%s: says what is wrong", (line, sentence) => {
    expect(() => parse(line)).toThrow(CommandError);
    expect(() => parse(line)).toThrow(sentence);
  });

  it("explains every flag", () => {
    const help = () => parse("--help");
    expect(help).toThrow(HelpAsked);
    for (const flag of [
      "traces-per-day",
      "regions",
      "read-rate",
      "payload-bytes",
      "history-days",
      "mode",
      "seed",
      "json",
    ]) {
      expect(help).toThrow(`--${flag}`);
    }
  });

  it("changes in tiers only what is given", () => {
    const batches = (line: string) => parse(line).scenarios.map(({ scenario }) => scenario.batch);
    expect(batches("--tiers")).toEqual([10, 100, 100, 500, 500]);
    expect(batches("--tiers --batch 7")).toEqual([7, 7, 7, 7, 7]);
    const small = (line: string) => parse(line).scenarios[0]!.scenario;
    expect(small("--tiers --read-rate 3 --mode queue")).toMatchObject({
      readsPerSecond: 3,
      mode: "queue",
      groups: 5_000,
    });
  });

  it("reports all tiers from the shipped calibration, as a table and as JSON", async () => {
    const folder = await mkdtemp(join(tmpdir(), "capacity-"));
    try {
      const run = promisify(execFile);
      const json = join(folder, "tiers.json");
      const { stdout } = await run(process.execPath, ["scripts/capacity.ts", "--tiers", "--json", json]);
      expect(stdout).toMatch(/^small +10,000 +direct/m);
      expect(stdout).toMatch(/^10 billion +10,000,000,000 +queue/m);
      const { estimates } = JSON.parse(await readFile(json, "utf8")) as {
        estimates: { estimate: ReturnType<typeof of> }[];
      };
      expect(estimates).toHaveLength(5);
      for (const { estimate } of estimates) expect(estimate.verdict.holds).toBe(true);

      const broken = join(folder, "broken.json");
      await writeFile(broken, JSON.stringify({ machine: "x", results: {} }));
      const failed = run(process.execPath, ["scripts/capacity.ts", "--traces-per-day", "1M", "--calibration", broken]);
      await expect(failed).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining("storage.trace_bytes") });
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
