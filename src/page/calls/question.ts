/** What the address of a list of calls or sessions asks for. */
import { filterQuery, filtersOf, isLabel } from "../filters.ts";
import type { Range } from "../range.ts";
import { iso } from "../zone.ts";

/** The ids that calls can be found by. */
export const IDS = { session_id: "Session", trace_id: "Trace", client_id: "Caller's own id" } as const;
export type IdField = keyof typeof IDS;

export const ID_FIELDS = Object.keys(IDS) as IdField[];

/** Filters that only lists of calls know. */
const OWN = [...ID_FIELDS, "status", "unpriced", "billable"] as const;

/** The rows of a page, unless the address says otherwise. */
export const PAGE = 50;
const MOST = 1_000;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export interface Wrong {
  parameter: string;
  sentence: string;
}

/** What each parameter may be, and what is said of anything else. */
const RIGHT: readonly { parameter: string; isRight: (text: string) => boolean; wrong: (text: string) => string }[] = [
  {
    parameter: "cursor",
    isRight: (text) => UUID.test(text),
    wrong: () => "There is no such page, so the first one is shown.",
  },
  {
    parameter: "limit",
    isRight: (text) => /^\d{1,4}$/.test(text) && Number(text) >= 1 && Number(text) <= MOST,
    wrong: (text) => `A page has 1 to 1,000 rows, not “${text}”. This one has at most ${PAGE}.`,
  },
  {
    parameter: "status",
    isRight: (text) => text === "ok" || text === "error",
    wrong: (text) => `The status of a call is ok or error, not “${text}”. Calls of any status are shown.`,
  },
  {
    parameter: "unpriced",
    isRight: (text) => text === "true" || text === "false",
    wrong: (text) => `unpriced is true or false, not “${text}”. Calls with and without a price are shown.`,
  },
  {
    parameter: "billable",
    isRight: (text) => text === "all" || text === "true",
    wrong: (text) => `billable is true or all, not “${text}”. The calls that count are shown.`,
  },
];

/** What cannot be meant. It is left out of the question, and the view says so. */
export function wrongOf(query: URLSearchParams): Wrong[] {
  return RIGHT.flatMap(({ parameter, isRight, wrong }) => {
    const text = query.get(parameter);
    return text === null || isRight(text) ? [] : [{ parameter, sentence: wrong(text) }];
  });
}

/** The parameters of `/v1/traces` and `/v1/sessions`. */
export function listQuery(query: URLSearchParams, range: Range) {
  const wrong = new Set(wrongOf(query).map(({ parameter }) => parameter));
  const own = (name: string): string | undefined => (wrong.has(name) ? undefined : (query.get(name) ?? undefined));
  const ids = ID_FIELDS.map((field) => [field, query.getAll(field).filter((id) => id !== "")] as const);
  const [limit, cursor, status] = [own("limit"), own("cursor"), own("status")];
  return {
    from: iso(range.from),
    to: iso(range.to),
    tz: range.zone,
    limit: limit === undefined ? PAGE : Number(limit),
    ...(cursor !== undefined && { cursor }),
    ...(status !== undefined && { status: [status] }),
    ...(own("unpriced") === "true" && { unpriced: true }),
    ...(own("billable") === "all" && { billable: "all" as const }),
    ...(Object.fromEntries(ids.filter(([, values]) => values.length > 0)) as Partial<Record<IdField, string[]>>),
    ...filterQuery(query),
  };
}

/** The same range and filters as a question about sums; null if a summary does not know these filters. */
export function sumQuery(query: URLSearchParams, range: Range) {
  const labels = new Set(filtersOf(query).flatMap(({ field }) => (isLabel(field) ? [field] : [])));
  const { limit: _, cursor: __, ...asked } = listQuery(query, range);
  if (labels.size > 1 || OWN.some((name) => name in asked)) return null;
  return { from: asked.from, to: asked.to, tz: asked.tz, ...filterQuery(query) };
}

/** Is anything left out by more than the range? */
export function isFiltered(query: URLSearchParams): boolean {
  return filtersOf(query).length > 0 || OWN.some((name) => query.has(name));
}

/** The query without some parameters, and so without its page. */
export function without(query: URLSearchParams, ...names: readonly string[]): URLSearchParams {
  return new URLSearchParams([...query].filter(([name]) => name !== "cursor" && !names.includes(name)));
}

/** The query with one value of a parameter, from the first page on. Null: without it. */
export function withOne(query: URLSearchParams, name: string, value: string | null): URLSearchParams {
  const next = without(query, name);
  if (value !== null) next.set(name, value);
  return next;
}

/** All filters are left out; the range and the zone stay. */
export function withoutFilters(query: URLSearchParams): URLSearchParams {
  return new URLSearchParams([...query].filter(([name]) => ["range", "from", "to", "tz", "live"].includes(name)));
}

/** An older page. Nothing new comes there, so it does not follow. */
export function olderPage(query: URLSearchParams, cursor: string): URLSearchParams {
  const next = without(query, "live");
  next.set("cursor", cursor);
  return next;
}

/** Follows what comes: on the newest page, and if the range goes on until now. */
export function isLive(query: URLSearchParams, range: Range, nowMs: number): boolean {
  return query.get("live") === "1" && !query.has("cursor") && nowMs < range.to;
}

/** The address of a list with this query. */
export function addressWith(path: string, query: URLSearchParams): string {
  const text = query.toString();
  return path + (text && `?${text}`);
}
