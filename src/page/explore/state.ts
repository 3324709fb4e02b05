/**
 * What an address asks the view to show, beside range and filters. Defaults are left out of addresses. What an address
 * says wrongly is told in a sentence, and the default stands in for it.
 */
import { DIMENSIONS, filtersOf, isFilterField, isLabel } from "../filters.ts";
import { METRICS, type Metric, metricNamed } from "./metrics.ts";

export const DRAWINGS = ["area", "bars", "lines", "table"] as const;
export type Drawing = (typeof DRAWINGS)[number];
export const INTERVALS = ["auto", "none", "hour", "day", "week", "month"] as const;
export type AskedInterval = (typeof INTERVALS)[number];
export const LIMITS = [5, 10, 20, 50, 100, 200] as const;
/** The most rows that the API answers with. */
export const MOST_ROWS = 10_000;

export interface Sort {
  column: string;
  descending: boolean;
}

export interface ExploreState {
  metric: Metric;
  /** Keys of `group_by`: a group, and a subgroup. */
  groupBy: string[];
  interval: AskedInterval;
  /** With another period. */
  compares: boolean;
  /** Which one, as the address says it; null: the previous one. */
  compareWith: { from: string; to: string } | null;
  /** The number of groups; null: all. */
  limit: number | null;
  isCumulative: boolean;
  drawing: Drawing;
  /** Null: as the ledger orders rows. */
  sort: Sort | null;
}

export const DEFAULTS: Readonly<ExploreState> = {
  metric: METRICS[0]!,
  groupBy: ["model"],
  interval: "auto",
  compares: false,
  compareWith: null,
  limit: 10,
  isCumulative: false,
  drawing: "area",
  sort: null,
};

export interface Wrong {
  parameter: string;
  sentence: string;
}

const OWN = [
  ...(["metric", "group_by", "interval", "compare", "compare_from", "compare_to"] as const),
  ...(["limit", "cumulative", "chart", "sort"] as const),
] as const;
/** Parameters that others of the view's controls read. */
const OTHERS = new Set(["range", "from", "to", "tz", "cursor"]);

export function stateOf(query: URLSearchParams): { state: ExploreState; wrong: Wrong[] } {
  const wrong: Wrong[] = [];
  const read = <T>(parameter: string, parse: (text: string) => T | string, fallback: T): T => {
    const text = query.get(parameter);
    if (text === null) return fallback;
    const value = parse(text);
    if (typeof value !== "string") return value;
    wrong.push({ parameter, sentence: value });
    return fallback;
  };
  const state: ExploreState = {
    metric: read("metric", (text) => metricNamed(text) ?? `There is no metric “${text}”.`, DEFAULTS.metric),
    groupBy: read("group_by", (text) => groupsOf(text, query), defaultGroups(query)),
    interval: read("interval", oneOf(INTERVALS, "interval"), { value: DEFAULTS.interval }).value,
    compares: read("compare", (text) => text === "previous" || `There is no comparison “${text}”.`, false),
    compareWith: null,
    limit: read("limit", limitOf, { value: DEFAULTS.limit }).value,
    isCumulative: read("cumulative", (text) => text === "true" || "“cumulative” can only be true.", false),
    drawing: read("chart", oneOf(DRAWINGS, "chart"), { value: DEFAULTS.drawing }).value,
    sort: null,
  };
  const [from, to] = [query.get("compare_from"), query.get("compare_to")];
  if (from && to) [state.compares, state.compareWith] = [true, { from, to }];
  else if (from !== null || to !== null) {
    const sentence = "“compare_from” and “compare_to” go together.";
    wrong.push({ parameter: from === null ? "compare_to" : "compare_from", sentence });
  }
  state.sort = read<Sort | null>("sort", (text) => sortOf(text, state), null);
  for (const name of new Set(query.keys())) {
    if (OWN.some((own) => own === name) || OTHERS.has(name) || isFilterField(name)) continue;
    wrong.push({ parameter: name, sentence: `There is no parameter “${name}”; it is ignored.` });
  }
  return { state, wrong };
}

/** The query with some of the state changed. A sort by a column that is gone goes, too. */
export function withState(query: URLSearchParams, changes: Partial<ExploreState>): URLSearchParams {
  const state = { ...stateOf(query).state, ...changes };
  const next = new URLSearchParams(
    [...query].filter(([name]) => name !== "cursor" && !OWN.some((own) => own === name)),
  );
  const groupBy = state.groupBy.join(",") || "none";
  const texts: Record<(typeof OWN)[number], string | null> = {
    metric: state.metric === DEFAULTS.metric ? null : state.metric.name,
    group_by: groupBy === defaultGroups(next).join(",") ? null : groupBy,
    interval: state.interval === DEFAULTS.interval ? null : state.interval,
    compare: state.compares && !state.compareWith ? "previous" : null,
    compare_from: (state.compares && state.compareWith?.from) || null,
    compare_to: (state.compares && state.compareWith?.to) || null,
    limit: state.limit === DEFAULTS.limit ? null : String(state.limit ?? "all"),
    cumulative: state.isCumulative ? "true" : null,
    chart: state.drawing === DEFAULTS.drawing ? null : state.drawing,
    sort: state.sort && sortableColumns(state).includes(state.sort.column) ? textOf(state.sort) : null,
  };
  for (const name of OWN) if (texts[name] !== null) next.set(name, texts[name]);
  return next;
}

/** The query without what is wrong. */
export function withoutWrong(query: URLSearchParams, wrong: readonly Wrong[]): URLSearchParams {
  return new URLSearchParams([...query].filter(([name]) => !wrong.some(({ parameter }) => parameter === name)));
}

/** Columns that rows can be sorted by. */
export function sortableColumns(state: ExploreState): string[] {
  const { groupBy, compares, metric } = state;
  const figures = ["now", ...(compares ? ["before", "difference"] : []), "share", "cost_usd", "requests"];
  const shown = figures.filter((name) => name !== metric.name && (name !== "share" || metric.isSum));
  return [...(hasIntervals(state) ? ["bucket"] : []), ...groupBy, ...shown];
}

/** Does the table have a row for each interval? Below a chart it has one for each group. */
export function hasIntervals({ drawing, interval }: ExploreState): boolean {
  return drawing === "table" && interval !== "auto" && interval !== "none";
}

export function textOf({ column, descending }: Sort): string {
  return (descending ? "-" : "") + column;
}

/** By model; but the models of a filter by one model are only one. */
function defaultGroups(query: URLSearchParams): string[] {
  return query.getAll("model").length === 1 ? ["application"] : DEFAULTS.groupBy;
}

function groupsOf(text: string, query: URLSearchParams): string[] | string {
  if (text === "none") return [];
  const keys = text.split(",");
  const unknown = keys.find((key) => !isFilterField(key));
  if (unknown !== undefined) {
    return `Calls cannot be grouped by “${unknown}”. They can by ${DIMENSIONS.join(", ")}, user, and tag.NAME.`;
  }
  if (keys.length > 2) return "Calls can be grouped by two keys at most.";
  if (keys[0] === keys[1]) return `Calls cannot be grouped by “${keys[0]!}” twice.`;
  const labels = keys.filter(isLabel);
  if (labels.length > 1) return `Calls can be grouped by one of ${labels.join(" and ")}, not by both.`;
  const filtered = filtersOf(query).find(({ field }) => isLabel(field) && labels.length > 0 && field !== labels[0]);
  if (filtered === undefined) return keys;
  return `While calls are filtered by ${filtered.field}, they cannot be grouped by ${labels[0]!}.`;
}

/** In an object, because a text is what is wrong. */
function oneOf<T extends string>(values: readonly T[], what: string): (text: string) => { value: T } | string {
  return (text) => {
    const value = values.find((known) => known === text);
    return value === undefined ? `There is no ${what} “${text}”. There is ${values.join(", ")}.` : { value };
  };
}

function limitOf(text: string): { value: number | null } | string {
  if (text === "all") return { value: null };
  if (/^[1-9]\d{0,4}$/.test(text) && Number(text) <= MOST_ROWS) return { value: Number(text) };
  return `The number of groups, “${text}”, is not “all” or from 1 to 10,000.`;
}

function sortOf(text: string, state: ExploreState): Sort | string {
  const sort = { column: text.replace(/^-/, ""), descending: text.startsWith("-") };
  return sortableColumns(state).includes(sort.column) ? sort : `Rows cannot be sorted by “${sort.column}”.`;
}
