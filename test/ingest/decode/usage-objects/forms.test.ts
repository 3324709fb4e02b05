/**
 * The forms as tables: the README names each member that changes a price, and the captured objects have no member that
 * is not accounted for.
 */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { readProviderUsage } from "../../../../src/ingest/decode/provider-usage.ts";
import { COST_PATHS } from "../../../../src/ingest/decode/reported-cost.ts";
import { decodeLitellm } from "../../../../src/ingest/decode/litellm.ts";
import { readJsonSpans } from "../../../../src/ingest/decode/otlp/json.ts";
import { readProtobufSpans } from "../../../../src/ingest/decode/otlp/protobuf.ts";
import { decodeSpans } from "../../../../src/ingest/decode/otlp/traces.ts";
import { LITELLM, LITELLM_PERPLEXITY } from "../../../../src/ingest/decode/usage-objects/emitters.ts";
import { type Form, snakeCase } from "../../../../src/ingest/decode/usage-objects/form.ts";
import { FORMS } from "../../../../src/ingest/decode/usage-objects/forms.ts";
import type { Call } from "../../../../src/ledger/call.ts";
import { type Body, bodiesOf, NOW, scenarios, truthOf } from "../../../captures.ts";

const ALL: readonly Form[] = [...FORMS, LITELLM, LITELLM_PERPLEXITY];

/** Every member of a form that changes a price, the totals apart. Spellings count as one. */
function pricedBy({ counts, add = {}, takeOff = {}, ...form }: Form): string[] {
  const { tiers = [], ambiguous = [], turns, tools, searchContext } = form;
  const parts = Object.entries(counts).flatMap(([field, paths]) => (/^(in|out)putTokens$/.test(field) ? [] : paths));
  const others = [add, takeOff].flatMap((table) => Object.values(table).flat());
  const single = [turns?.path, tools?.used, searchContext].filter((path) => path !== undefined);
  return [...parts, ...others, ...tiers, ...ambiguous, ...single].map(spelled);
}

function spelled(path: string): string {
  return path
    .split(".")
    .map((key) => (/^[A-Z]+$/.test(key) ? key : snakeCase(key)))
    .join(".");
}

/** The members in the README's tables, by the form's name. */
const DOCUMENTED = new Map(
  readFileSync("src/ingest/decode/usage-objects/README.md", "utf8")
    .split("\n## ")
    .slice(1)
    .map((section) => {
      const [name = ""] = section.split("\n");
      const rows = section.split("\n").filter((line) => line.startsWith("| `"));
      const members = rows.flatMap((row) => [...row.split("|")[1]!.matchAll(/`([^`]+)`/g)].map(([, path]) => path!));
      return [name, new Set(members.map(spelled))] as const;
    }),
);

describe("the table of a usage object", () => {
  it.each([...new Set(ALL.map(({ name }) => name))])("%s: has each member that changes a price", (name) => {
    const priced = new Set(ALL.filter((form) => form.name === name).flatMap(pricedBy));
    // These two have OpenAI's members beside their own.
    const inherited = name === "mistral" || name === "openrouter" ? DOCUMENTED.get("openai")! : new Set<string>();
    const documented = DOCUMENTED.get(name) ?? new Set<string>();
    expect([...priced].filter((path) => !documented.has(path) && !inherited.has(path))).toEqual([]);
    expect([...documented].filter((path) => !priced.has(path))).toEqual([]);
  });

  it.each(ALL)("$name: names its source", ({ source }) => {
    expect(source).toMatch(/^https:\/\//);
  });
});

/** Members of captured usage objects that change no price, and why. */
const ACCOUNTED: Record<string, string> = {
  total_tokens: "the sum of others",
  totalTokenCount: "the sum of others",
  totalTokens: "the sum of others",
  "server_tool_use.web_fetch_requests": "fetching has no price beside its tokens",
  "completion_tokens_details.accepted_prediction_tokens": "a part of the output, at its price",
  "completion_tokens_details.rejected_prediction_tokens": "a part of the output, at its price",
  "input_tokens_details.cache_write_tokens_details.ttl_30m_tokens": "the ordinary cache writes, counted as such",
  "promptTokensDetails.TEXT": "what is left of the input without audio and images",
  "cacheTokensDetails.TEXT": "what is left of the cache without audio and images",
};

type Json = Record<string, unknown>;

/** The paths of a usage object that hold something, entries of a list by their modality. */
function pathsIn(value: unknown, path = ""): string[] {
  if (value === null || value === undefined) return [];
  const inside = (key: string): string => (path === "" ? key : `${path}.${key}`);
  if (Array.isArray(value)) {
    return value.map((entry: Json) => inside(String(entry["modality"] ?? entry["ttl"] ?? entry["type"])));
  }
  if (typeof value !== "object") return [path];
  return Object.entries(value).flatMap(([key, inner]) => pathsIn(inner, inside(key)));
}

function decoded(body: Body): readonly Call[] {
  if (/\/v1\/(?:logs|metrics)$/.test(body.path)) return [];
  const json = (): unknown => JSON.parse(new TextDecoder().decode(body.bytes));
  if (!body.path.endsWith("/v1/traces")) return decodeLitellm([json()].flat(), NOW).calls;
  return decodeSpans(body.json ? readJsonSpans(json(), Infinity) : readProtobufSpans(body.bytes, Infinity), NOW).calls;
}

describe("the captured usage objects", () => {
  const objects = scenarios().flatMap((scenario) =>
    truthOf(scenario).billable.flatMap(({ provider, ...call }) =>
      [(call as unknown as Json)["raw_usage"]].flat().flatMap((usage) => {
        const read = readProviderUsage(usage, provider);
        return read === null ? [] : [{ usage, read }];
      }),
    ),
  );

  it("have no member that changes no price without a reason", () => {
    const priced = new Map(
      [...new Set(ALL.map(({ name }) => name))].map((name) => {
        const forms = ALL.filter((form) => form.name === name);
        const totals = forms.flatMap(({ counts }) => [...(counts.inputTokens ?? []), ...(counts.outputTokens ?? [])]);
        return [name, new Set([...forms.flatMap(pricedBy), ...totals.map(spelled), ...COST_PATHS])];
      }),
    );
    const neutral = objects.flatMap(({ usage, read: { form } }) =>
      pathsIn(usage).filter((path) => !priced.get(form)!.has(spelled(path))),
    );
    expect(objects.length).toBeGreaterThan(100);
    expect([...new Set(neutral)].filter((path) => !Object.hasOwn(ACCOUNTED, path))).toEqual([]);
    expect(Object.keys(ACCOUNTED).filter((path) => !neutral.includes(path))).toEqual([]);
  });

  it("have no member that no rule knows, as providers wrote them and as emitters passed them on", () => {
    const unknown = scenarios().flatMap((scenario) =>
      bodiesOf(scenario).flatMap((body) => decoded(body).flatMap((call) => call.unknownUsageMembers)),
    );
    expect([...unknown, ...objects.flatMap(({ read }) => read.unknown)]).toEqual([]);
  });

  it("are not ambiguous", () => {
    expect(objects.flatMap(({ read }) => read.ambiguous ?? [])).toEqual([]);
  });

  it("would show a member of tomorrow", () => {
    const tomorrow = {
      input_tokens: 1,
      output_tokens: 1,
      cache_read_input_tokens: 0,
      dream_tokens: 7,
      details: { a: 1 },
    };
    expect(readProviderUsage(tomorrow, "anthropic")!.unknown).toEqual(["dream_tokens", "details.a"]);
  });
});
