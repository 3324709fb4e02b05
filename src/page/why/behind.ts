/** The rows behind a bar. Those of each bar add up to it, to the last digit. */
import { bySize, CAUSES, type Cause, sumOf } from "../causes.ts";
import type { components } from "../api.d.ts";
import { picoOf } from "../money.ts";

export type Row = components["schemas"]["ExplainedRow"];

/** A bar that was opened. Null: all rows. */
export type Bar = { kind: "cause"; cause: Cause } | { kind: "application" | "model"; value: string } | null;

const NAMES = { cause: "cause", application: "in_application", model: "in_model" } as const;

export function barOf(query: URLSearchParams): Bar {
  const cause = query.get(NAMES.cause);
  if (cause !== null && Object.hasOwn(CAUSES, cause)) return { kind: "cause", cause: cause as Cause };
  for (const kind of ["application", "model"] as const) {
    const value = query.get(NAMES[kind]);
    if (value !== null) return { kind, value };
  }
  return null;
}

export function withBar(query: URLSearchParams, bar: Bar): URLSearchParams {
  const names: readonly string[] = Object.values(NAMES);
  const next = new URLSearchParams([...query].filter(([name]) => !names.includes(name)));
  if (bar !== null) next.set(NAMES[bar.kind], bar.kind === "cause" ? bar.cause : bar.value);
  return next;
}

export interface RowBehind {
  row: Row;
  /** What it adds to the bar. */
  usd: string;
}

/** The largest first. Rows that add nothing to a cause are not behind it. */
export function behind(rows: readonly Row[], bar: Bar): RowBehind[] {
  if (bar === null) return rows.map((row) => ({ row, usd: row.difference_usd }));
  if (bar.kind !== "cause") {
    return rows.filter((row) => row[bar.kind] === bar.value).map((row) => ({ row, usd: row.difference_usd }));
  }
  return rows
    .map((row) => ({ row, usd: row.parts[bar.cause] }))
    .filter(({ usd }) => picoOf(usd) !== 0n)
    .sort(bySize);
}

export interface Bars {
  key: string;
  name: string;
  usd: string;
}

/** Stands for the lesser ones. No caller can send it: it has a character that names may not have. */
export const OTHERS = "\0others";

/** The difference by application or model, the largest first. Beyond `most` they become one. */
export function barsBy(rows: readonly Row[], by: "application" | "model", most = 10): Bars[] {
  const groups = Map.groupBy(rows, (row) => row[by]);
  const all = [...groups]
    .map(([key, of]) => ({ key, name: key, usd: sumOf(of.map((row) => ({ usd: row.difference_usd }))) }))
    .filter(({ usd }) => picoOf(usd) !== 0n)
    .sort(bySize);
  if (all.length <= most + 1) return all;
  const rest = all.slice(most);
  return [...all.slice(0, most), { key: OTHERS, name: `${rest.length} others`, usd: sumOf(rest) }];
}
