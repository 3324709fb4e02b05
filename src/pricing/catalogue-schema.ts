/**
 * The form of a catalogue document: what a foreign text must be before anything in it is believed. What prices need is
 * kept, the rest is dropped.
 */
import type { MatchLogic, Provider } from "@pydantic/genai-prices";
import { z } from "zod";
import { problemOfPattern, waysOf } from "./safe-pattern.ts";

/**
 * The most that a document may have, in characters; how deep it may be nested; and how many values it may have, as an
 * empty object takes 20 times as much memory as text. Today's has 1.3 M, is 12 deep and has about 50,000.
 */
export const MAX_DOCUMENT = 8_000_000;
const MAX_DEPTH = 24;
const MAX_VALUES = 250_000;
/** The ways in which all patterns together may match one name, so that no name takes more than milliseconds. */
const MAX_WAYS = 2 ** 20;
/** USD per million tokens, per thousand calls and so on. The highest of today is 600. */
const MAX_PRICE = 10_000;
const MAX_STARTS = 100_000_000;

const name = z.string().min(1).max(256);
const said = z.string().max(10_000);

const pattern = z.string().superRefine((text, context) => {
  const problem = problemOfPattern(text);
  if (problem !== null) context.addIssue({ code: "custom", message: `the pattern ${quoted(text)} ${problem}` });
});

const Match: z.ZodType<MatchLogic> = z.lazy(() =>
  z.union([
    z.strictObject({ equals: name }),
    z.strictObject({ starts_with: name }),
    z.strictObject({ ends_with: name }),
    z.strictObject({ contains: name }),
    z.strictObject({ regex: pattern }),
    z.strictObject({ or: z.array(Match).min(1).max(1_000) }),
    z.strictObject({ and: z.array(Match).min(1).max(100) }),
  ]),
);

const usd = z.number().min(0).max(MAX_PRICE);
const tier = z.strictObject({ start: z.int().min(1).max(MAX_STARTS), price: usd });
const tiers = z
  .array(tier)
  .min(1)
  .max(4)
  .refine((list) => list.every(({ start }, i) => i === 0 || start > list[i - 1]!.start), "tiers that do not ascend");
const Prices = z.record(
  z.string().regex(/^[a-z][a-z0-9_]{0,63}$/),
  z.union([usd, z.strictObject({ base: usd, tiers })]),
);

const time = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,6})?(?:Z|[+-]([01]\d|2[0-3]):[0-5]\d)$/);
/** The published data leaves `type` out. */
const Constraint = z.union([
  z.strictObject({ type: z.literal("start_date").default("start_date"), start_date: z.iso.date() }),
  z.strictObject({ type: z.literal("time_of_date").default("time_of_date"), start_time: time, end_time: time }),
]);
const Period = z.strictObject({ constraint: Constraint.optional(), prices: Prices });

const Model = z.object({
  id: name,
  match: Match,
  price_comments: said.optional(),
  prices: z.union([Prices, z.array(Period).min(1).max(10)]),
});

const Provider = z.object({
  id: name,
  name,
  api_pattern: said,
  price_comments: said.optional(),
  model_match: Match.optional(),
  fallback_model_providers: z.array(name).max(20).optional(),
  models: z.array(z.unknown()).max(10_000),
});

const Catalogue = z.array(z.unknown()).min(1).max(1_000);

/** @returns the providers, or a phrase that says what is wrong first. */
export function readDocument(text: string): Provider[] | string {
  if (text.length > MAX_DOCUMENT) return `it has more than ${MAX_DOCUMENT / 1_000_000} MB`;
  if (text.includes('"__proto__"')) return "it has the key __proto__";
  const excess = excessOf(text);
  if (excess !== null) return excess;
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    return "it is not JSON";
  }
  try {
    const providers = parse(Catalogue, document, []).map(readProvider);
    return tooManyWays(providers) ? "its patterns together could take too long" : providers;
  } catch (error) {
    if (error instanceof Wrong) return error.message;
    throw error;
  }
}

class Wrong extends Error {}

/** Entry by entry: the issues of a whole document could fill the memory. */
function readProvider(value: unknown): Provider {
  const { models, ...provider } = parse(Provider, value, [value]);
  return { ...provider, models: models.map((model) => parse(Model, model, [value, "models", model])) } as Provider;
}

/** @param place the keys around the value, and the entries that have an id. @throws Wrong with the first problem. */
function parse<T>(schema: z.ZodType<T>, value: unknown, place: readonly unknown[]): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const { path, message } = deepest(parsed.error.issues[0]!, []);
  const where = [...place, ...path].map(nameOf).join(" ") || "the document";
  throw new Wrong(`${where}: ${message.replace(/^Invalid input: /, "")}`);
}

/** An entry's id, or a key. */
function nameOf(part: unknown): string {
  if (typeof part !== "object" || part === null) return String(part);
  const { id } = part as { id?: unknown };
  return typeof id === "string" ? quoted(id) : "an entry";
}

function tooManyWays(providers: readonly Provider[]): boolean {
  let ways = 0;
  const collect = (rule: MatchLogic): void => {
    if ("or" in rule) rule.or.forEach(collect);
    else if ("and" in rule) rule.and.forEach(collect);
    else if ("regex" in rule) ways += waysOf(rule.regex);
  };
  for (const { model_match, models } of providers) {
    if (model_match) collect(model_match);
    for (const { match } of models) collect(match);
  }
  return ways > MAX_WAYS;
}

/** Of a union, the part that came furthest says what is wrong. */
function deepest(issue: z.core.$ZodIssue, above: readonly PropertyKey[]): { path: PropertyKey[]; message: string } {
  const path = [...above, ...issue.path];
  if (issue.code !== "invalid_union") return { path, message: issue.message };
  const parts = issue.errors.flatMap((issues) => (issues[0] ? [deepest(issues[0], path)] : []));
  return parts.length === 0
    ? { path, message: issue.message }
    : parts.reduce((a, b) => (b.path.length > a.path.length ? b : a));
}

/** A foreign text in a sentence. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}

/** Counts brackets and commas outside of strings, before the text becomes values. */
function excessOf(text: string): string | null {
  let depth = 0;
  let values = 1;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const character = text[i];
    if (inString) {
      if (character === "\\") i++;
      else if (character === '"') inString = false;
    } else if (character === '"') inString = true;
    else if (character === ",") values++;
    else if (character === "[" || character === "{") {
      depth++;
      values++;
    } else if (character === "]" || character === "}") depth--;
    if (depth > MAX_DEPTH) return `it is nested more than ${MAX_DEPTH} deep`;
    if (values > MAX_VALUES) return `it has more than ${MAX_VALUES} values`;
  }
  return null;
}
