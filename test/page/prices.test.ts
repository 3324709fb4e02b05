import { describe, expect, it } from "vitest";
import {
  callsChanged,
  changesByModel,
  type DryRun,
  isStillUnknown,
  type Job,
  progressOf,
  sumOf,
} from "../../src/page/prices/changes.ts";
import { readDecimal } from "../../src/page/prices/decimal.ts";
import { bodyOf, type Draft, draftOf, isField, type Price, successorOf, wrongOf } from "../../src/page/prices/draft.ts";
import { historiesOf, termsOf } from "../../src/page/prices/history.ts";
import {
  isUncertain,
  previewSentence,
  restatingSentence,
  savingSentence,
  scopeName,
} from "../../src/page/prices/words.ts";
import { OFFLINE, problemOf } from "../../src/page/problem.ts";

describe("typed decimals", () => {
  it.each([
    ["0.15", "0.15"],
    [" .15 ", "0.15"],
    ["$2.50", "2.50"],
    ["3.", "3"],
    ["0.1234567890123456789", "0.1234567890123456789"],
    ["-1", "-1"],
    ["much", "much"],
  ])("takes %j as %j, and leaves judging to the API", (typed, decimal) => {
    expect(readDecimal(typed)).toEqual({ decimal });
  });

  it.each([
    ["1,5", /^Write 1\.5, with a point/],
    [",5", /^Write 0\.5, with a point/],
    ["1,000", /^Write 1000, or a point/],
    ["1,000.50", /^Write 1000\.50, or a point/],
    ["1e-3", /without an exponent/],
  ])("never guesses what %j means", (typed, sentence) => {
    expect(readDecimal(typed)).toEqual({ wrong: expect.stringMatching(sentence) });
  });
});

const draft = (fields: Record<string, string>, more: Partial<Draft> = {}): Draft => ({
  fields: { starts_at: "2026-11-01", ...fields },
  rest: {},
  past: "unpriced",
  ...more,
});

describe("a price as the API takes it", () => {
  it("is filled in from the address", () => {
    const query = new URLSearchParams({ provider: "acme", model: "<b>*", range: "7d" });
    expect(draftOf(query, "2026-11-30")).toEqual({
      fields: { provider: "acme", model: "<b>*", service_tier: "", starts_at: "2026-11-30" },
      rest: {},
      past: "unpriced",
    });
  });

  it("leaves out what is empty, and keeps decimals as text", () => {
    const typed = {
      model: " m ",
      provider: "",
      "usd_per_million_tokens.input": ".15",
      "usd_per_thousand.request": "0",
    };
    expect(bodyOf(draft({ ...typed, "usd_per_million_tokens.output": " " }))).toEqual({
      body: {
        model: "m",
        starts_at: "2026-11-01",
        usd_per_million_tokens: { input: "0.15" },
        usd_per_thousand: { request: "0" },
      },
    });
  });

  it.each([
    [{ model: "" }, "model"],
    [{ model: "m", starts_at: " " }, "starts_at"],
    [{ model: "m" }, "usd_per_million_tokens"],
    [{ model: "m", "usd_per_million_tokens.output": "1,5" }, "usd_per_million_tokens.output"],
  ])("says at which field something is missing: %j", (fields, field) => {
    expect(bodyOf(draft(fields))).toMatchObject({ wrong: { field } });
    expect(isField(field)).toBe(true);
  });

  it("needs no unit price if it takes one over", () => {
    expect(bodyOf(draft({ model: "m" }, { rest: { factor: "0.9" } }))).toHaveProperty("body.factor", "0.9");
    expect(bodyOf(draft({ model: "m" }, { rest: { aliases: ["n"] } }))).toHaveProperty("wrong");
  });

  it("says what replaces it, with what the form cannot show", () => {
    const before = price({ factor: "0.9", service_tier: "flex", usd_per_thousand: { request: "0.5" } });
    const { fields, rest, past } = successorOf(before, "2026-12-01");
    expect(fields).toMatchObject({ model: "m", service_tier: "flex", "usd_per_thousand.request": "0.5" });
    expect(fields["starts_at"]).toBe("2026-12-01");
    expect([rest, past]).toEqual([{ factor: "0.9" }, "all"]);
  });
});

describe("refusals", () => {
  it.each([
    [
      "price.model: may have one *, at its start or at its end",
      "model",
      "Model may have one *, at its start or at its end.",
    ],
    [
      "usd_per_million_tokens.input: must be a decimal of USD",
      "usd_per_million_tokens.input",
      "Input must be a decimal of USD.",
    ],
    ["starts_at, ends_at: another price covers it. End it", "starts_at", "Another price covers it. End it."],
    ["price.same_as: neither knows it", "same_as", "Neither knows it."],
  ])("are said at their field: %s", (detail, field, sentence) => {
    expect(wrongOf(detail)).toEqual({ field, sentence });
  });

  it("without a field are of the whole form", () => {
    expect(wrongOf("a project may have 20 open jobs; cancel one or wait")).toBeNull();
    expect(isField("same_as")).toBe(false);
  });

  it("say what is known, and never that nothing happened where that is not known", () => {
    const [offline, down, wrong] = [OFFLINE, problemOf(503, {}), problemOf(400, { detail: "no" })];
    expect([offline, down, problemOf(500, {}), problemOf(408, {}), wrong].map(isUncertain)).toEqual([
      true,
      true,
      true,
      true,
      false,
    ]);
    for (const problem of [offline, down]) {
      expect(savingSentence(problem)).toMatch(/not known whether the price is saved.*once at most/);
      expect(restatingSentence(problem)).toMatch(/^The price is saved.*once at most/);
      expect(previewSentence(problem)).toMatch(/Nothing was saved/);
    }
    expect(savingSentence(wrong)).toMatch(/^The price is not saved/);
    expect(savingSentence(problemOf(401, {}))).toMatch(/sign in again/);
  });
});

const change = (
  day: string,
  model: string,
  before: string,
  after: string,
  requests = 1,
): DryRun["changes"][number] => ({
  day,
  provider: "p",
  model,
  requests,
  before_usd: before,
  after_usd: after,
  difference_usd: "0",
});
const changes = [
  change("2026-11-01", "a", "0.1", "0.2", 3),
  change("2026-11-02", "a", "0.1", "0.200000000001", 2),
  change("2026-11-02", "b", "5", "1"),
];
const dryRun = { changes } as DryRun;

describe("what a price would change", () => {
  it("adds up exactly by model, the largest change first", () => {
    // a: 0.2 -> 0.400000000001; b: 5 -> 1
    expect(changesByModel(changes)).toEqual([
      { provider: "p", model: "b", requests: 1, before: "5", after: "1", difference: "-4" },
      { provider: "p", model: "a", requests: 5, before: "0.2", after: "0.400000000001", difference: "0.200000000001" },
    ]);
    expect([sumOf(changes, "before_usd"), sumOf(changes, "after_usd")]).toEqual(["5.2", "1.400000000001"]);
  });

  it("tells calls that still have no cost from calls that are free", () => {
    const [some, free] = [{ usd_per_million_tokens: { input: "1" } }, { usd_per_million_tokens: { input: "0" } }];
    expect([isStillUnknown("0", some), isStillUnknown("0", free), isStillUnknown("0.1", some)]).toEqual([
      true,
      false,
      false,
    ]);
    const body = { model: "*", starts_at: "2026-11-01", ...some };
    const lacking = { changes: [...changes, change("2026-11-02", "c", "0", "0", 9)] } as DryRun;
    expect(callsChanged(lacking, body, true)).toBe(6);
    expect(callsChanged(dryRun, body, false)).toBe(6);
  });
});

const job = (more: Partial<Job>): Job =>
  ({ status: "running", looked: 50, models: [], providers: [], unpriced_only: false, ...more }) as Job;

describe("jobs", () => {
  it("are as far as the calls looked at, where it is known how many there are", () => {
    expect(progressOf(job({}), 200)).toBe(0.25);
    expect(progressOf(job({ looked: 201 }), 200)).toBeNull();
    expect(progressOf(job({}), null)).toBeNull();
    expect(progressOf(job({ status: "done" }), null)).toBe(1);
  });

  it("are named by what they restate", () => {
    expect(scopeName(job({}))).toBe("All calls");
    expect(scopeName(job({ models: ["m"], unpriced_only: true }))).toBe("Calls of m without a price");
    expect(scopeName(job({ models: ["a", "b", "c"] }))).toBe("Calls of a and 2 others");
    expect(scopeName(job({ providers: ["acme"] }))).toBe("Calls of acme");
  });
});

function price(more: Partial<Price>): Price {
  return {
    id: "1",
    project_id: "p",
    provider: null,
    model: "m",
    match: "exact",
    aliases: [],
    service_tier: null,
    starts_at: "2026-01-01T00:00:00.000Z",
    ends_at: null,
    usd_per_million_tokens: null,
    usd_per_thousand: null,
    steps: null,
    factor: null,
    multipliers: null,
    same_as: null,
    created_at: "2026-01-01T00:00:00.000Z",
    ...more,
  };
}

describe("the history of a price", () => {
  const at = (month: number): string => `2026-${String(month).padStart(2, "0")}-01T00:00:00.000Z`;
  const prices = [
    price({ id: "third", starts_at: at(9) }),
    price({ id: "first", starts_at: at(1), ends_at: at(2) }),
    price({ id: "second", starts_at: at(3) }),
    price({ id: "later", starts_at: at(12) }),
    price({ id: "other", provider: "acme", starts_at: at(1), ends_at: at(5) }),
  ];

  it("ends a price where it says so, or where the next one starts", () => {
    const [one, other] = historiesOf(prices, Date.parse(at(11)));
    expect(one!.current).toEqual({ price: prices[0], until: at(12) });
    expect(one!.upcoming.map((held) => [held.price.id, held.until])).toEqual([["later", null]]);
    expect(one!.past.map((held) => [held.price.id, held.until])).toEqual([
      ["second", at(9)],
      ["first", at(2)],
    ]);
    expect([other!.current, other!.past.length]).toEqual([null, 1]);
  });

  it("says in words what has no column", () => {
    const steps = [{ above_input_tokens: 200_000, usd_per_million_tokens: { input: "5" } }];
    const multipliers = { service_tier: { priority: "1.75" } };
    const sameAs = { provider: "openai", model: "gpt-4o" };
    expect(termsOf({ aliases: ["n", "o*"], steps, factor: "0.9", multipliers, same_as: sameAs })).toEqual([
      "as openai gpt-4o",
      "\u00d7 0.9",
      "other prices above 200,000 tokens",
      "priority \u00d7 1.75",
      "also n, o*",
    ]);
  });
});
