/** Filters in an address: the API's own parameters. Several values of one field admit calls with any of them. */
export const DIMENSIONS = ["application", "environment", "provider", "model", "operation", "covered_by"] as const;
export type FilterField = (typeof DIMENSIONS)[number] | "user" | `tag.${string}`;

export interface Filter {
  field: FilterField;
  value: string;
}

/** The members of a question to the API. */
export interface FilterQuery {
  application?: string[];
  environment?: string[];
  provider?: string[];
  model?: string[];
  operation?: string[];
  covered_by?: string[];
  user?: string[];
  tags?: Record<`tag.${string}`, string[]>;
}

/** As the API has it: a value is 1 to 512 characters, and a tag's key 1 to 128. */
export const MAX_VALUE = 512;
const TAG = /^tag\.[^\0]{1,128}$/;

export function isFilterField(name: string): name is FilterField {
  return DIMENSIONS.some((known) => known === name) || name === "user" || TAG.test(name);
}

/** Labels are the fields of which a summary takes one at a time. */
export function isLabel(field: string): boolean {
  return field === "user" || field.startsWith("tag.");
}

/** In the order of the address, each once. */
export function filtersOf(query: URLSearchParams): Filter[] {
  const seen = new Set<string>();
  return [...query].flatMap(([field, value]) => {
    const key = JSON.stringify([field, value]);
    if (!isFilterField(field) || seen.has(key)) return [];
    seen.add(key);
    return [{ field, value }];
  });
}

/** The query with one more filter. What belongs to a page of a list goes, because it is another list. */
export function withFilter(query: URLSearchParams, field: FilterField, value: string): URLSearchParams {
  const next = withoutFilter(query, field, value);
  next.append(field, value);
  return next;
}

export function withoutFilter(query: URLSearchParams, field: FilterField, value: string): URLSearchParams {
  return new URLSearchParams(
    [...query].filter(([name, other]) => name !== "cursor" && (name !== field || other !== value)),
  );
}

export function filterQuery(query: URLSearchParams): FilterQuery {
  const asked: FilterQuery = {};
  for (const { field, value } of filtersOf(query)) {
    if (isTag(field)) ((asked.tags ??= {})[field] ??= []).push(value);
    else (asked[field] ??= []).push(value);
  }
  return asked;
}

/** A summary takes one label: the query without the filters by labels other than this one. */
export function withoutOtherLabels(query: URLSearchParams, field: FilterField): URLSearchParams {
  if (!isLabel(field)) return query;
  return new URLSearchParams([...query].filter(([name]) => name === field || !isFilterField(name) || !isLabel(name)));
}

/** `Model`, `User`, or the key of a tag, as it is shown. */
export function fieldName(field: string): string {
  return field.startsWith("tag.") ? field.slice(4) : field.charAt(0).toUpperCase() + field.slice(1).replace("_", " ");
}

/** Why the ledger would refuse a value; null if it takes it. */
export function wrongValue(value: string): string | null {
  if (value === "") return "Type a value, or choose one. The ledger has no filter for calls without a value.";
  if (value.length > MAX_VALUE) return `A value has at most ${MAX_VALUE} characters; this one has ${value.length}.`;
  return value.includes("\0") ? "A value has no NUL characters." : null;
}

function isTag(field: FilterField): field is `tag.${string}` {
  return field.startsWith("tag.");
}
