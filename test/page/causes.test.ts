import { expect, it } from "vitest";
import { CAUSES, type Cause, partsOf, saidOf, stepsOf, sumOf } from "../../src/page/causes.ts";

const NONE = Object.fromEntries(Object.keys(CAUSES).map((cause) => [cause, "0"])) as Record<Cause, string>;
// 175 - 164.5 + 50 = 60.5
const PARTS = { ...NONE, volume_usd: "175", model_mix_usd: "-164.5", input_length_usd: "50" };

it("says why, the largest cause first", () => {
  expect(saidOf(PARTS)).toEqual([
    { words: "more calls", usd: "175" },
    { words: "cheaper models", usd: "-164.5" },
    { words: "longer prompts", usd: "50" },
  ]);
});

it("combines lesser causes, so that the causes add up", () => {
  // The others are 1.25 - 0.5 = 0.75.
  const parts = { ...PARTS, price_usd: "1.25", tier_usd: "-0.5" };
  expect(saidOf(parts).at(-1)).toEqual({ words: "other causes", usd: "0.75" });
  expect(sumOf(saidOf(parts))).toBe(sumOf(partsOf(parts)));
});

it("has nothing to say where nothing changed", () => {
  expect(saidOf(NONE)).toEqual([]);
  expect(partsOf(NONE)).toEqual([]);
});

it("steps from the cost before to the cost now without a gap", () => {
  const steps = stepsOf("350", "410.5", PARTS);
  expect(steps.map(({ key }) => key)).toEqual(["before", "volume_usd", "model_mix_usd", "input_length_usd", "after"]);
  const between = steps.slice(1, -1);
  expect(between.map(({ from }) => from)).toEqual(steps.slice(0, -2).map(({ to }) => to));
  expect(between.at(-1)!.to).toBe(steps.at(-1)!.to);
});
