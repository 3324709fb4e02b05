import { describe, expect, it } from "vitest";
import { dayOf, poisson } from "../../scripts/capacity/traffic.ts";
import { seeded } from "../../scripts/demo/random.ts";
import { scenario } from "./capacity-world.ts";

const sum = (values: Float64Array): number => values.reduce((all, value) => all + value, 0);

describe("poisson", () => {
  it.each([0.05, 0.5, 5, 11, 500])("has mean and variance %f", (mean) => {
    const random = seeded("poisson");
    const normal = () => Math.sqrt(-2 * Math.log(1 - random.uniform())) * Math.cos(2 * Math.PI * random.uniform());
    const drawn = Array.from({ length: 100_000 }, () => poisson(mean, normal()));
    const average = drawn.reduce((all, n) => all + n, 0) / drawn.length;
    const variance = drawn.reduce((all, n) => all + (n - average) ** 2, 0) / drawn.length;
    expect(average / mean).toBeGreaterThan(0.96);
    expect(average / mean).toBeLessThan(1.04);
    expect(variance / mean).toBeGreaterThan(0.96);
    expect(variance / mean).toBeLessThan(1.04);
  });

  it("never falls when the mean rises", () => {
    for (const normal of [-8, -4, -3, -1, -0.2, 0, 0.7, 3, 5]) {
      let before = 0;
      for (let mean = 0; mean < 40; mean += 0.01) {
        const now = poisson(mean, normal);
        expect(now).toBeGreaterThanOrEqual(before);
        before = now;
      }
    }
  });
});

describe("a day's arrivals", () => {
  it.each([1e6, 1e10])("add up to %d", (tracesPerDay) => {
    const { traces } = dayOf(scenario({ tracesPerDay }));
    expect(sum(traces[0]!) / tracesPerDay).toBeCloseTo(1, 2);
  });

  it("follow the region's own clock", () => {
    const { reads } = dayOf(scenario({ readsPerSecond: 100, regions: [{ name: "ap-northeast", share: 1 }] }));
    // 14:00 in Tokyo is 05:00 UTC.
    expect(sum(reads[0]!.subarray(5 * 3_600, 6 * 3_600))).toBeGreaterThan(
      4 * sum(reads[0]!.subarray(17 * 3_600, 18 * 3_600)),
    );
  });

  it("have bursts that stand out of the hour around them", () => {
    const { traces } = dayOf(scenario({ tracesPerDay: 1e8 }));
    const [day] = traces;
    expect(day!.reduce((most, now) => Math.max(most, now), 0)).toBeGreaterThan(2 * 1.7 * (1e8 / 86_400));
  });

  it("vary from second to second as a recorded service's do: 13 times as much as Poisson's", () => {
    const { traces } = dayOf(scenario({ tracesPerDay: 8_640_000 }));
    // Half of the pairs of neighbours' squared differences estimates the variance without what changes slowly.
    const [day] = traces;
    const steps = Array.from(day!.subarray(1), (now, i) => (now - day![i]!) ** 2 / 2).sort((a, b) => a - b);
    const withoutBursts = steps.slice(0, Math.floor(steps.length * 0.999));
    const variance = withoutBursts.reduce((all, n) => all + n, 0) / withoutBursts.length;
    expect(variance / 100 / 13).toBeGreaterThan(0.85);
    expect(variance / 100 / 13).toBeLessThan(1.25);
  });

  it("never fall in any second when the traces a day rise", () => {
    const [fewer, more] = [1_000_000, 1_000_500].map((tracesPerDay) => dayOf(scenario({ tracesPerDay })).traces[0]!);
    expect(fewer!.every((traces, at) => traces <= more![at]!)).toBe(true);
  });
});
