/** Figures of the page with their bounds: the median of several windows, how far they spread, and what was missed. */
import type { Measured } from "../report.ts";
import { median } from "../timing.ts";

/** At most so much. */
export const BOUNDS = {
  firstPaint: 300,
  interactive: 600,
  cached: 100,
  uncached: 300,
  /** A task that is no longer is not observed, and counts as 0. */
  task: 50,
  shift: 0.02,
  /** KiB a minute: what 10 minutes add is then under a tenth of the heap. */
  heapSlope: 50,
  /** Bytes, gzip. */
  weight: 120_000,
} as const;

/** The median of several values against its bound. */
export function bounded(id: string, name: string, values: readonly number[], unit: string, bound: number): Measured {
  const value = median(values);
  const spread: [number, number] = [Math.min(...values), Math.max(...values)];
  return {
    id: `page.${id}`,
    name,
    value,
    unit,
    ratio: value / bound,
    to: `the bound, ${bound} ${unit}`,
    bound,
    spread,
  };
}

export function isMissed({ value, bound }: Measured): boolean {
  return bound !== undefined && !(value <= bound);
}

/** The rows of the table in `src/page/README.md`: the worst of each kind. */
export function summed(rows: readonly Measured[]): string {
  const kinds: readonly (readonly [name: string, id: RegExp, bound: string])[] = [
    ["first contentful paint, slowest view", /\.first_paint$/, "300 ms"],
    ["interactive, slowest view", /\.interactive$/, "600 ms"],
    ["interaction, cached", /\.(?:cached|back)$/, "100 ms"],
    ["interaction, not cached", /\.uncached$/, "300 ms"],
    ["longest task with 200 series", /\.series\.task$/, "50 ms"],
    ["longest task with 10,000 rows", /\.rows\.task$/, "50 ms"],
    ["heap while calls arrive", /\.heap\.slope$/, "50 KiB/min"],
    ["layout shift, largest of a view", /\.shift$/, "0.02"],
    ["all files of the views, gzip", /\.weight$/, "120 kB"],
  ];
  const lines = kinds.map(([name, id, bound]) => {
    const of = rows.filter((row) => id.test(row.id)).toSorted((a, b) => b.value - a.value);
    const [worst] = of;
    if (!worst) return `| ${name} | ${bound} | |`;
    const missed = of.filter(isMissed).length;
    const digits = worst.value < 1 ? worst.value.toFixed(3) : Math.round(worst.value).toLocaleString("en-US");
    const where = worst.id.split(".")[1];
    return `| ${name} | ${bound} | ${digits} ${worst.unit} (${where}; ${of.length - missed} of ${of.length} reach it) |`;
  });
  return ["| figure | bound | measured |", "| --- | --- | --- |", ...lines].join("\n");
}
