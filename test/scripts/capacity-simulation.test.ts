import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { costsOf } from "../../scripts/capacity/costs.ts";
import { startDatabase } from "../../scripts/capacity/database.ts";
import { secondOf } from "../../scripts/capacity/requests.ts";
import { simulate } from "../../scripts/capacity/simulate.ts";
import { dayOf } from "../../scripts/capacity/traffic.ts";
import { CALIBRATION, postgres, quietDay, scenario } from "./capacity-world.ts";

const seconds = (count: number, traces: number): number[] => Array.from({ length: count }, () => traces);

describe("saturation", () => {
  it("is what was measured: 52,106 traces/s of the write statement, 1,000 each, on 2 cores", () => {
    // 2 cores / 52,106 = 38.4 us a trace with its part of the statement; 300 us a statement leave 38.1 us.
    const measured = 52_106;
    const calibration = { ...CALIBRATION, databaseUsPerStatement: 300, databaseUsPerTrace: 2e6 / measured - 0.3 };
    const batched = scenario({ batch: 1_000 });
    const { written } = simulate(batched, postgres(2), costsOf(calibration, batched), quietDay(seconds(50, 100_000)));
    expect(written / 50 / measured).toBeCloseTo(1, 2);
  });

  it("leaves merges their core while they run", () => {
    // 100 us a trace in all, half of it the merge's: one of 2 cores for 40 s a minute, in which 10,000 traces/s are
    // written by the other, and 20,000 in the 20 s between.
    const calibration = { ...CALIBRATION, databaseUsPerStatement: 1e-9, databaseUsPerTrace: 100, mergeUsPerTrace: 1e3 };
    const batched = scenario({ batch: 1_000 });
    const { databaseUs, written } = simulate(
      batched,
      postgres(2),
      costsOf(calibration, batched),
      quietDay(seconds(180, 50_000)),
    );
    expect(databaseUs.merge).toBe(80 * 1e6);
    expect(written).toBeCloseTo(60 * 20_000 + 2 * (40 * 10_000 + 20 * 20_000), -1);
  });
});

describe("the line for the database", () => {
  it("holds what arrived and was not written, after any second of any arrivals", () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(200_000), { minLength: 1, maxLength: 300 }),
        fc.constantFrom(0.25, 1, 2, 16),
        fc.constantFrom("direct" as const, "queue" as const),
        fc.nat(500),
        (traces, cores, mode, misses) => {
          const asked = scenario({ mode });
          const database = startDatabase(costsOf(CALIBRATION, asked), postgres(cores));
          const day = quietDay(traces);
          let arrived = 0;
          let written = 0;
          for (const at of traces.keys()) {
            const served = database.serve(at, secondOf(day, at, asked), misses);
            arrived += traces[at]!;
            written += served.written;
            expect(written + served.inLine).toBeCloseTo(arrived, 3);
            const used = served.usedUs.ingest + served.usedUs.merge + served.usedUs.summary;
            expect(used).toBeLessThanOrEqual(cores * 1e6 * (1 + 1e-9));
          }
        },
      ),
      { numRuns: 50 },
    );
  });

  it("drains after a burst, as fast as the cores that are left allow", () => {
    // 1,000 traces in 10 statements take 58 ms: a core serves 17,241/s. 10 s of 50,000/s leave 327,590 in the line,
    // which go down by 16,241 a second: 20.2 s. (Merges take 2 us a trace.)
    const traces = [...seconds(60, 1_000), ...seconds(10, 50_000), ...seconds(110, 1_000)];
    const costs = costsOf({ ...CALIBRATION, mergeUsPerTrace: 1e-9 }, scenario());
    const { queue, arrived, written, unavailable } = simulate(scenario(), postgres(1), costs, quietDay(traces));
    expect(queue.most).toBeCloseTo(327_590, -2);
    expect(queue.longestSeconds).toBeGreaterThanOrEqual(30);
    expect(queue.longestSeconds).toBeLessThanOrEqual(31);
    expect(queue.atEnd).toBe(0);
    expect(written).toBeCloseTo(arrived, 3);
    // Callers wait 8 s and more while more than 8 x 17,241 are before them.
    expect(unavailable).toBeGreaterThan(0);
  });

  it("is felt by callers in direct mode, and in queue mode only by readers", () => {
    const traces = [...seconds(300, 1_000), ...seconds(30, 60_000), ...seconds(300, 1_000)];
    const [direct, queue] = (["direct", "queue"] as const).map((mode) =>
      simulate(scenario({ mode }), postgres(1), costsOf(CALIBRATION, scenario()), quietDay(traces)),
    );
    expect(direct!.ingestMs.p99).toBeGreaterThan(10_000);
    expect(queue!.ingestMs.p99).toBeGreaterThan(60);
    expect(queue!.ingestMs.p99).toBeLessThan(100);
    expect(queue!.visibleMs.p99).toBeGreaterThan(10_000);
    expect(queue!.unavailable).toBe(0);
  });
});

describe("a day", () => {
  it("is the same for the same seed, and another for another", () => {
    const run = (seed: string) => {
      const asked = scenario({
        seed,
        regions: [
          { name: "us-east", share: 0.5 },
          { name: "ap-south", share: 0.5 },
        ],
      });
      return simulate(asked, postgres(1), costsOf(CALIBRATION, asked), dayOf(asked));
    };
    expect(run("1")).toEqual(run("1"));
    expect(run("2").ingestMs).not.toEqual(run("1").ingestMs);
  });

  it("costs callers far from the database the way there", () => {
    const p50 = (regions: Parameters<typeof scenario>[0]) => {
      const asked = scenario(regions);
      return simulate(asked, postgres(1), costsOf(CALIBRATION, asked), dayOf(asked)).ingestMs.p50;
    };
    const near = p50({});
    const far = p50({
      regions: [
        { name: "us-east", share: 0.1 },
        { name: "ap-southeast", share: 0.9 },
      ],
    });
    // 15,500 km: 233 ms there and back through glass that is half as long again.
    expect(far - near).toBeGreaterThan(200);
    expect(far - near).toBeLessThan(280);
  });
});
