/** uPlot is built without what no chart uses. What is left out is named by its text, so its text must be there. */
import { expect, it } from "vitest";
import { replaced } from "../../scripts/page/trim-plot.ts";

it("replaces each place", () => {
  expect(replaced("mode == 2 ? a : mode == 2", /\bmode == 2\b/g, "false")).toBe("false ? a : false");
});

it("fails if there is nothing to replace, so that another version is looked at", () => {
  expect(() => replaced("kind == 2", /\bmode == 2\b/g, "false")).toThrow(/trim-plot/);
});
