/** The period to compare with: the one before, the same days of last month, or own dates. The address says which. */
import type { AskedPeriods } from "../periods.ts";
import { momentOf, type Range } from "../range.ts";
import { iso, monthBefore } from "../zone.ts";

export type Way = "previous" | "last-month" | "dates";

export interface Compared {
  way: Way;
  /** Null: the API chooses the period before. */
  span: { from: number; to: number } | null;
  /** What is wrong with the address, in a sentence. */
  wrong: string | null;
}

/** This month so far is compared with the same days of last month, any other range with the period before. */
export function comparedOf(query: URLSearchParams, range: Range): Compared {
  const byItself = range.preset === "month" ? "last-month" : "previous";
  const [way, from, to] = [query.get("compare"), query.get("compare_from"), query.get("compare_to")];
  if (from !== null || to !== null) {
    const span = { from: momentOf(from ?? "", range.zone), to: momentOf(to ?? "", range.zone) };
    if (span.from === null || span.to === null) {
      const name = span.from === null ? "start" : "end";
      return chosen(
        byItself,
        range,
        `The ${name} of the period to compare with, “${(name === "start" ? from : to) ?? ""}”, is not a date.`,
      );
    }
    if (span.from >= span.to) return chosen(byItself, range, "The period to compare with ends before it begins.");
    return { way: "dates", span: { from: span.from, to: span.to }, wrong: null };
  }
  if (way === null || way === "previous" || way === "last-month") return chosen(way ?? byItself, range, null);
  return chosen(byItself, range, `There is no period “${way}” to compare with.`);
}

function chosen(way: "previous" | "last-month", range: Range, wrong: string | null): Compared {
  return { way, span: way === "previous" ? null : monthBefore(range), wrong };
}

export function asked(range: Range, { span }: Compared): AskedPeriods {
  const after = { from: iso(range.from), to: iso(range.to), tz: range.zone };
  return span === null ? after : { ...after, compare_from: iso(span.from), compare_to: iso(span.to) };
}

/** The query with another period to compare with. */
export function withCompared(query: URLSearchParams, to: Way, span: { from: number; to: number }): URLSearchParams {
  const next = new URLSearchParams([...query].filter(([name]) => !name.startsWith("compare")));
  if (to === "dates") {
    next.set("compare_from", iso(span.from));
    next.set("compare_to", iso(span.to));
  } else next.set("compare", to);
  return next;
}
