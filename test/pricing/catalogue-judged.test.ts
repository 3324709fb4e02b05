/**
 * The embedded catalogue, judged: what looks wrong in it is corrected by an entry of our own, flagged as approximate,
 * or has been looked at. A new version of the package that brings more of a kind fails here.
 */
import { type MatchLogic, type ModelInfo, type Provider, waitForUpdate } from "@pydantic/genai-prices";
import { describe, expect, it } from "vitest";
import { confidenceIn, oddityOf } from "../../src/pricing/confidence.ts";
import { CORRECTIONS } from "../../src/pricing/corrections.ts";

interface Entry {
  name: string;
  provider: Provider;
  info: ModelInfo;
}

const entries: Entry[] = ((await waitForUpdate()) ?? []).flatMap((provider) =>
  provider.models.map((info) => ({ name: `${provider.id} ${info.id}`, provider, info })),
);
const CORRECTED = new Set(CORRECTIONS.map(({ provider, id }) => `${provider} ${id}`));
const isApproximate = ({ provider, info }: Entry): boolean => confidenceIn(provider, info) === "approximate";

/** The names of entries of a kind that are neither corrected nor flagged. */
const left = (kind: (entry: Entry) => boolean): string[] =>
  entries.filter((entry) => kind(entry) && !CORRECTED.has(entry.name) && !isApproximate(entry)).map(({ name }) => name);

const entry = (changes: Partial<ModelInfo>): ModelInfo => ({
  id: "one",
  match: { equals: "one" },
  prices: {},
  ...changes,
});

describe("prices that do not go together", () => {
  it.each<[string, ModelInfo["prices"]]>([
    ["cache reads cost more than the input", { input_mtok: 1, cache_read_mtok: 2 }],
    ["cache reads cost more than the input", { input_audio_mtok: 1, cache_audio_read_mtok: 2 }],
    ["cache writes cost less than the input", { input_mtok: 1, cache_write_mtok: 0.5 }],
    [
      "output_mtok has no steps, unlike the input",
      { input_mtok: { base: 1, tiers: [{ start: 200_000, price: 2 }] }, output_mtok: 4 },
    ],
    [
      "the input's price changes without that of cache reads",
      [
        { prices: { input_mtok: 10, cache_read_mtok: 0.5 } },
        {
          constraint: { type: "start_date", start_date: "2025-06-10" },
          prices: { input_mtok: 2, cache_read_mtok: 0.5 },
        },
      ],
    ],
  ])("%s: %j is flagged", (oddity, prices) => {
    const info = entry({ prices });
    expect(oddityOf(info)).toBe(oddity);
    expect(confidenceIn(undefined, info)).toBe("approximate");
  });

  it("are none where they are as usual", () => {
    const usual = { input_mtok: 3, cache_read_mtok: 0.3, cache_write_mtok: 3.75, output_mtok: 15 };
    expect(oddityOf(entry({ prices: usual }))).toBeNull();
    expect(confidenceIn(undefined, entry({ prices: usual }))).toBe("exact");
  });

  it("are corrected or flagged, each of them", () => {
    const odd = entries.filter(({ info }) => oddityOf(info) !== null);
    expect(odd.length).toBeGreaterThan(10);
    expect(left(({ info }) => oddityOf(info) !== null)).toEqual([]);
  });
});

/** Comments by which an entry does not stand for its price. */
const DOUBTS =
  /upper bound|approximat|verify|estimat|assum|infer(?:red)? from|guess|highest|cheapest|converted|not (?:yet )?(?:published|confirmed|documented)|imported from|seen on/i;

it("comments that doubt a price flag it", () => {
  // They are free, and nothing else is published.
  const LOOKED_AT = new Set(["google gemma-4-26b-a4b-it", "google gemma-4-31b-it"]);
  expect(left(({ info }) => DOUBTS.test(info.price_comments ?? "")).filter((name) => !LOOKED_AT.has(name))).toEqual([]);
});

it("prices that end on a day have that day", () => {
  // Their comments say that the introductory price became permanent.
  const PERMANENT = new Set([
    "anthropic claude-sonnet-5",
    "aws global.anthropic.claude-sonnet-5-v1:0",
    "aws regional.anthropic.claude-sonnet-5-v1:0",
    "openrouter anthropic/claude-sonnet-5",
  ]);
  const temporary = /promotion|introductor|temporar|limited time|launch (?:rate|price)|\bthrough 20|\buntil 20/i;
  const undated = left(({ info }) => temporary.test(info.price_comments ?? "") && !Array.isArray(info.prices));
  expect(undated.filter((name) => !PERMANENT.has(name))).toEqual([]);
});

const SIZE =
  /(?<![a-z])(?:mini|nano|micro|lite|pro|plus|flash|max|small|medium|large|tiny|turbo|ultra|haiku|sonnet|opus|\d+x?\d*b)(?![a-z0-9])/g;

function namesIn(rule: MatchLogic): string[] {
  if ("or" in rule) return rule.or.flatMap(namesIn);
  if ("and" in rule) return rule.and.flatMap(namesIn);
  return "regex" in rule ? [] : Object.values(rule as Record<string, string>);
}

it("one price for models of several sizes has been looked at", () => {
  const LOOKED_AT = new Set([
    // The same model by another name.
    "mistral voxtral-small-24b-2507",
    "openai gpt-3.5-0301",
    "openai gpt-4-turbo",
    "openrouter qwen/qwen3-coder",
    // Sold at one price, as their pages say.
    "openai gpt-5.1",
    "openrouter openai/gpt-5",
    "openrouter openai/gpt-6-luna",
    "openrouter openai/gpt-6-luna:batch",
    "openrouter openai/gpt-6-sol",
    "openrouter openai/gpt-6-sol:batch",
    // The smaller one has an entry of our own.
    "groq openai/gpt-oss-120b",
    "novita meta-llama/llama-3.1-8b-instruct",
  ]);
  const sizes = ({ info }: Entry): Set<string> =>
    new Set(namesIn(info.match).map((name) => [...name.toLowerCase().replace(/^.*\//, "").matchAll(SIZE)].join()));
  const several = entries.filter((each) => sizes(each).size > 1).map(({ name }) => name);
  expect(several.filter((name) => !LOOKED_AT.has(name))).toEqual([]);
  expect([...LOOKED_AT].filter((name) => !several.includes(name))).toEqual([]);
});
