/** Service levels as text. */
import type { Level } from "./level.ts";

const HEAD = ["objective", "of", "target", "good", "budget left", "", ""];

export function reportOf(levels: readonly Level[], source: string): string {
  const rows = levels.map(({ name, job, target, good, budgetLeft, kept, note }) => [
    name,
    job,
    percent(target, 3),
    percent(good, 3),
    percent(budgetLeft, 1),
    kept === null ? "unknown" : kept ? "kept" : "MISSED",
    note,
  ]);
  const widths = HEAD.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]!.length)));
  const line = (row: string[]): string =>
    row
      .map((cell, i) => cell.padEnd(widths[i]!))
      .join("  ")
      .trimEnd();
  const meanings = [...new Map(levels.map(({ name, title }) => [name, `  ${name}: ${title}.`])).values()];
  return [`Service levels, ${source}`, "", ...[HEAD, ...rows].map((row) => line(row)), "", ...meanings].join("\n");
}

/** Cut, not rounded: what is not quite the target must not look like it. */
function percent(share: number | null, digits: number): string {
  if (share === null) return "-";
  const steps = 10 ** digits;
  return `${Math.floor(Number((share * 100 * steps).toPrecision(12))) / steps}%`;
}
