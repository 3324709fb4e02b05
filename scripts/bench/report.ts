/** How a benchmark's figures are shown: one table for people, JSON for tools. */
import { cpus, totalmem } from "node:os";

export interface Measured {
  /** By which tools find it: it stays as it is when the name changes. */
  id: string;
  name: string;
  value: number;
  unit: string;
  /** The value divided by that of `to`, which is from the same run. */
  ratio?: number;
  to?: string;
  p95Ms?: number;
  /** What the value may be at most. */
  bound?: number;
  /** Least and most of the values that `value` is the median of. */
  spread?: readonly [number, number];
}

export function machine(): string {
  const all = cpus();
  return `${all.length} x ${all[0]?.model.trim() ?? "unknown"}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`;
}

export function table(title: string, rows: readonly Measured[]): string {
  const width = Math.max(...rows.map(({ name }) => name.length));
  const number = (n: number): string =>
    n > 0 && n < 1 ? n.toFixed(3) : n < 100 ? n.toFixed(1) : Math.round(n).toLocaleString("en-US");
  const lines = rows.map(({ name, value, unit, ratio, to, p95Ms, bound, spread }) =>
    [
      name.padEnd(width),
      number(value).padStart(11),
      unit.padEnd(10),
      ratio === undefined ? "" : `${ratio.toFixed(3).padStart(9)} of ${to}`,
      p95Ms === undefined ? "" : ` (p95 ${p95Ms.toFixed(1)} ms)`,
      spread === undefined || spread[0] === spread[1] ? "" : `(${number(spread[0])} to ${number(spread[1])})`,
      bound === undefined || value <= bound ? "" : "MISSED",
    ]
      .join(" ")
      .trimEnd(),
  );
  return [title, "-".repeat(title.length), ...lines].join("\n");
}
