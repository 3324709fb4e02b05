import { expect, it } from "vitest";
import { CAUSES, type Cause, partsOf, sentenceOf, stepsOf } from "../../src/page/causes.ts";

const NONE = Object.fromEntries(Object.keys(CAUSES).map((cause) => [cause, "0"])) as Record<Cause, string>;
// 175 - 164.5 + 50 = 60.5
const PARTS = { ...NONE, volume_usd: "175", model_mix_usd: "-164.5", input_length_usd: "50" };

it("says why in one sentence, the largest cause first", () => {
  expect(sentenceOf("60.5", PARTS)).toBe(
    "+$60.50: more calls +$175.00, cheaper models \u2212$164.50, longer prompts +$50.00",
  );
});

it("combines lesser causes, so that the causes add up", () => {
  // 60.5 + 1.25 - 0.5 = 61.25; the others are 1.25 - 0.5 = 0.75.
  const parts = { ...PARTS, price_usd: "1.25", tier_usd: "-0.5" };
  expect(sentenceOf("61.25", parts)).toBe(
    "+$61.25: more calls +$175.00, cheaper models \u2212$164.50, longer prompts +$50.00, other causes +$0.75",
  );
});

it("says so where nothing changed", () => {
  expect(sentenceOf("0", NONE)).toBe("Nothing has changed the cost.");
  expect(partsOf(NONE)).toEqual([]);
});

it("steps from the cost before to the cost now without a gap", () => {
  const steps = stepsOf("350", "410.5", PARTS);
  expect(steps.map(({ key }) => key)).toEqual(["before", "volume_usd", "model_mix_usd", "input_length_usd", "after"]);
  const between = steps.slice(1, -1);
  expect(between.map(({ from }) => from)).toEqual(steps.slice(0, -2).map(({ to }) => to));
  expect(between.at(-1)!.to).toBe(steps.at(-1)!.to);
});
