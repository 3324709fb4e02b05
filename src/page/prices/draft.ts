/** A price as it is typed, and as the API takes it. Fields have the API's names: `usd_per_million_tokens.input`. */
import type { components } from "../api.d.ts";
import { readDecimal } from "./decimal.ts";

export type Price = components["schemas"]["Price"];

export const TOKENS = "usd_per_million_tokens";
export const FEES = "usd_per_thousand";

/** Those that most prices have. */
export const COMMON: Readonly<Record<string, string>> = {
  [`${TOKENS}.input`]: "Input",
  [`${TOKENS}.cache_read`]: "Cached input",
  [`${TOKENS}.cache_write`]: "Cache write",
  [`${TOKENS}.output`]: "Output",
};
export const OTHER_TOKENS: Readonly<Record<string, string>> = {
  [`${TOKENS}.cache_write_1h`]: "Cache write, 1 hour",
  [`${TOKENS}.reasoning`]: "Reasoning",
  [`${TOKENS}.input_audio`]: "Audio input",
  [`${TOKENS}.cache_read_audio`]: "Cached audio",
  [`${TOKENS}.output_audio`]: "Audio output",
  [`${TOKENS}.input_image`]: "Image input",
  [`${TOKENS}.cache_read_image`]: "Cached images",
  [`${TOKENS}.output_image`]: "Image output",
  [`${TOKENS}.citation`]: "Citations",
};
export const FEE_NAMES: Readonly<Record<string, string>> = {
  [`${FEES}.request`]: "Requests",
  [`${FEES}.web_search`]: "Web searches",
  [`${FEES}.file_search`]: "File searches",
  [`${FEES}.code_execution`]: "Code executions",
  [`${FEES}.audio_second`]: "Seconds of audio",
  [`${FEES}.character`]: "Characters",
  [`${FEES}.image`]: "Images",
  [`${FEES}.page`]: "Pages",
};
const NAMES: Readonly<Record<string, string>> = {
  provider: "Provider",
  model: "Model",
  starts_at: "From",
  ends_at: "Until",
  service_tier: "Service tier",
  ...COMMON,
  ...OTHER_TOKENS,
  ...FEE_NAMES,
};

/** Members that the form only takes over from a price that it replaces. */
const REST = ["aliases", "steps", "factor", "multipliers", "same_as"] as const;
export type Rest = Partial<Pick<Price, (typeof REST)[number]>>;

export interface Draft {
  /** What is typed, by field. */
  fields: Readonly<Record<string, string>>;
  rest: Rest;
  /** Which past calls get the price: those without one, or all. */
  past: "unpriced" | "all";
}

export interface Wrong {
  field: string;
  sentence: string;
}

/** The address opens the form by what it is for. */
export function draftOf(query: URLSearchParams, today: string): Draft {
  const fields = ["provider", "model", "service_tier"].map((name) => [name, query.get(name) ?? ""]);
  return {
    fields: { ...Object.fromEntries(fields), starts_at: query.get("starts_at") ?? today },
    rest: {},
    past: "unpriced",
  };
}

/** A price that starts later than another and says the same, to be changed. */
export function successorOf(price: Price, startsAt: string): Draft {
  const units = [TOKENS, FEES] as const;
  const prices = units.flatMap((per) =>
    Object.entries(price[per] ?? {}).map(([bucket, usd]) => [`${per}.${bucket}`, usd] as const),
  );
  const rest = REST.filter((name) => {
    const value = price[name];
    return value !== null && !(Array.isArray(value) && value.length === 0);
  });
  return {
    fields: {
      provider: price.provider ?? "",
      model: price.model,
      service_tier: price.service_tier ?? "",
      starts_at: startsAt,
      ...Object.fromEntries(prices),
    },
    rest: Object.fromEntries(rest.map((name) => [name, price[name]])) as Rest,
    past: "all",
  };
}

export type PriceBody = Rest & {
  model: string;
  starts_at: string;
  provider?: string;
  service_tier?: string;
  ends_at?: string;
  usd_per_million_tokens?: Record<string, string>;
  usd_per_thousand?: Record<string, string>;
};

/** What the API is asked for; or the first field that cannot be read. */
export function bodyOf({ fields, rest }: Draft): { body: PriceBody } | { wrong: Wrong } {
  const model = fields["model"]?.trim() ?? "";
  if (model === "") return { wrong: { field: "model", sentence: "Name a model, or a pattern such as acme-*." } };
  const startsAt = fields["starts_at"]?.trim() ?? "";
  if (startsAt === "") return { wrong: { field: "starts_at", sentence: "Say from when the price holds." } };
  const body: PriceBody = { ...rest, model, starts_at: startsAt };
  for (const name of ["provider", "service_tier", "ends_at"] as const) {
    const value = fields[name]?.trim() ?? "";
    if (value !== "") body[name] = value;
  }
  for (const per of [TOKENS, FEES] as const) {
    for (const field of Object.keys(NAMES).filter((name) => name.startsWith(`${per}.`))) {
      if ((fields[field]?.trim() ?? "") === "") continue;
      const typed = readDecimal(fields[field]!);
      if ("wrong" in typed) return { wrong: { field, sentence: typed.wrong } };
      body[per] = { ...body[per], [field.slice(per.length + 1)]: typed.decimal };
    }
  }
  if (!body[TOKENS] && !body[FEES] && Object.keys(rest).every((name) => name === "aliases"))
    return { wrong: { field: TOKENS, sentence: "Give at least one price. 0 means free." } };
  return { body };
}

/** The field that a refusal is about, and its sentence: `price.model: may have one *` -> Model may have one *. */
export function wrongOf(detail: string): Wrong | null {
  const match = /^(?:price\.)?([a-z_][\w.]*)(?:, [\w.]+)*: (.+)$/s.exec(detail);
  if (!match) return null;
  const [, field = "", said = ""] = match;
  const name = NAMES[field] ?? field;
  const isOfField = /^(?:must|may|is|needs|cannot|has)\b/.test(said);
  const text = isOfField ? `${name} ${said}` : said[0]!.toUpperCase() + said.slice(1);
  return { field, sentence: /[.!?]$/.test(text) ? text : `${text}.` };
}

/** Is there a place for a sentence beside it? */
export function isField(field: string): boolean {
  return field in NAMES || field === TOKENS;
}
