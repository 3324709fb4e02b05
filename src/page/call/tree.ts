/**
 * The tree of a trace as rows. The API gives spans from the top down with their depths; what is open and which rows are
 * in sight is decided here, without anything recursive: a trace may be thousands of spans deep.
 */
import type { components } from "../api.d.ts";
import { picoOf, usdOf } from "../money.ts";

export type TraceTree = components["schemas"]["TraceTree"];
export type Span = TraceTree["spans"][number];

export interface Row {
  /** The place of its span in the answer. */
  at: number;
  span: Span;
  /** `aria-level`, from 1. */
  level: number;
  /** Its place among the spans of one parent, from 1, and their number. */
  place: number;
  siblings: number;
  hasChildren: boolean;
  /** The place of its parent in the answer; null at the top. */
  parent: number | null;
}

/** All rows, as if everything were open. */
export function rowsOf(spans: readonly Span[]): Row[] {
  const rows: Row[] = [];
  const above: number[] = [];
  const families = new Map<number | null, Row[]>();
  for (const [at, span] of spans.entries()) {
    above.length = Math.min(span.depth, above.length);
    const parent = above.at(-1) ?? null;
    const family = families.get(parent) ?? [];
    families.set(parent, family);
    const hasChildren = (spans[at + 1]?.depth ?? 0) > span.depth;
    const row: Row = { at, span, level: above.length + 1, place: family.length + 1, siblings: 0, hasChildren, parent };
    family.push(row);
    rows.push(row);
    above.push(at);
  }
  for (const family of families.values()) for (const row of family) row.siblings = family.length;
  return rows;
}

/** Rows with no closed span above them. */
export function openRows(rows: readonly Row[], closed: ReadonlySet<number>): Row[] {
  if (closed.size === 0) return [...rows];
  const shown: Row[] = [];
  let below = Infinity;
  for (const row of rows) {
    if (row.level > below) continue;
    below = closed.has(row.at) && row.hasChildren ? row.level : Infinity;
    shown.push(row);
  }
  return shown;
}

export type Step =
  | { kind: "focus"; at: number }
  | { kind: "open" | "close"; at: number }
  | { kind: "follow"; at: number }
  | null;

const PAGE = 10;

/** What a key does at a row of a treegrid. @param at the place of the row's span in the answer. */
export function stepOf(key: string, at: number, shown: readonly Row[], closed: ReadonlySet<number>): Step {
  const here = shown.findIndex((row) => row.at === at);
  const row = shown[here];
  if (!row) return null;
  const to = (index: number): Step => {
    const target = shown[Math.max(0, Math.min(index, shown.length - 1))]!;
    return target.at === at ? null : { kind: "focus", at: target.at };
  };
  const isOpen = row.hasChildren && !closed.has(at);
  switch (key) {
    case "ArrowDown":
      return to(here + 1);
    case "ArrowUp":
      return to(here - 1);
    case "PageDown":
      return to(here + PAGE);
    case "PageUp":
      return to(here - PAGE);
    case "Home":
      return to(0);
    case "End":
      return to(shown.length - 1);
    case "ArrowRight":
      if (!row.hasChildren) return null;
      return isOpen ? to(here + 1) : { kind: "open", at };
    case "ArrowLeft":
      if (isOpen) return { kind: "close", at };
      return row.parent === null ? null : { kind: "focus", at: row.parent };
    case "Enter":
      return row.span.id === null ? null : { kind: "follow", at };
    default:
      return null;
  }
}

/** The rows that are in sight, and some more on both sides. `to` is excluded. */
export function sightOf(scrollTop: number, height: number, rowHeight: number, count: number, more = 8) {
  const from = Math.max(0, Math.min(Math.floor(scrollTop / rowHeight) - more, count));
  const to = Math.min(count, Math.ceil((scrollTop + height) / rowHeight) + more);
  return { from, to: Math.max(from, to) };
}

/** The exact sum of what counts. It must be the trace's cost. Null if calls count and none has a price. */
export function countedSum(spans: readonly Span[]): string | null {
  const counted = spans.filter(({ counts }) => counts);
  const priced = counted.flatMap(({ own_cost_usd: cost }) => cost ?? []);
  if (counted.length > 0 && priced.length === 0) return null;
  return usdOf(priced.reduce((sum, cost) => sum + picoOf(cost), 0n));
}

/** A sentence of `why` may name the call that counts instead: then it becomes a link. */
export function whyParts({
  why,
  counted_as: other,
}: Pick<Span, "why" | "counted_as">): [before: string, after: string] | null {
  const place = other === null ? -1 : why.indexOf(other);
  return place < 0 ? null : [why.slice(0, place), why.slice(place + other!.length)];
}
