import { expect, it } from "vitest";
import { remembered } from "../../../src/ingest/decode/remembered.ts";

function counting(): { find: (text: string) => string | null; asked: string[] } {
  const asked: string[] = [];
  const find = remembered((text) => {
    asked.push(text);
    return text === "" ? null : text.toUpperCase();
  });
  return { find, asked };
}

it("finds what follows from a name once, also if that is nothing", () => {
  const { find, asked } = counting();
  expect([find("a"), find("a"), find(""), find("")]).toEqual(["A", "A", null, null]);
  expect(asked).toEqual(["a", ""]);
});

it("remembers no long text, and at most 1,000 names", () => {
  const { find, asked } = counting();
  const long = "x".repeat(257);
  expect([find(long), find(long)]).toEqual([long.toUpperCase(), long.toUpperCase()]);
  expect(asked).toHaveLength(2);
  for (let i = 0; i <= 1_000; i++) find(`name-${i}`);
  find("name-0");
  // The names were forgotten when there were too many, so the first is found anew.
  expect(asked.at(-1)).toBe("name-0");
});
