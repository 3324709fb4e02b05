import type { MatchLogic } from "@pydantic/genai-prices";
import { expect, it } from "vitest";
import { problemOfPattern } from "../../src/pricing/safe-pattern.ts";
import { embedded } from "../catalogue/documents.ts";

it("accepts each pattern of the embedded catalogue", () => {
  const patterns: string[] = [];
  const collect = (rule: MatchLogic): void => {
    if ("or" in rule) rule.or.forEach(collect);
    else if ("and" in rule) rule.and.forEach(collect);
    else if ("regex" in rule) patterns.push(rule.regex);
  };
  for (const { model_match, models } of embedded()) {
    if (model_match) collect(model_match);
    for (const { match } of models) collect(match);
  }
  expect(patterns.length).toBeGreaterThan(30);
  for (const pattern of patterns) expect(problemOfPattern(pattern), pattern).toBeNull();
});

it.each([
  ["^(a+)+$", "repeats a group"],
  ["^(?:a|a)*$", "repeats a group"],
  ["^(?:a|b){2,30}$", "repeats a group"],
  ["^.*.*.*x$", "could take too long"],
  [".*.*x", "could take too long"],
  ["^a{0,200}a{0,200}a{0,200}$", "could take too long"],
  [`^${"a?".repeat(30)}${"a".repeat(30)}$`, "could take too long"],
  [`^${"(?:a|a)".repeat(25)}$`, "could take too long"],
  [String.raw`^(.+)\1$`, "has an escape that is not known here"],
  ["^a".padEnd(201, "a"), "is longer than 200 characters"],
  ["^(", "is no regular expression"],
])("refuses %s", (pattern, problem) => {
  expect(problemOfPattern(pattern)).toBe(problem);
});
