/** How a benchmark's figures are shown: one table for people, JSON for tools. */
import { cpus, totalmem } from "node:os";

export interface Measured {
  name: string;
  value: number;
  unit: string;
  /** To the baseline of its part, from the same run. */
  ratio: number;
  p95Ms?: number;
}

export function machine(): string {
  const all = cpus();
  return `${all.length} x ${all[0]?.model.trim() ?? "unknown"}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`;
}

export function table(title: string, rows: readonly Measured[]): string {
  const number = (n: number): string => (n < 100 ? n.toFixed(1) : Math.round(n).toLocaleString("en-US"));
  const lines = rows.map(({ name, value, unit, ratio, p95Ms }) =>
    [
      name.padEnd(46),
      number(value).padStart(10),
      unit.padEnd(9),
      ratio.toFixed(3).padStart(7),
      p95Ms === undefined ? "" : `p95 ${p95Ms.toFixed(1)} ms`,
    ].join(" "),
  );
  return [title, "-".repeat(title.length), ...lines].join("\n");
}
