/** A figure of a metric, in its unit. */
import { formatCount, formatDuration, formatShare } from "../figures.ts";
import { formatBriefly } from "../money.ts";
import { Difference, Money } from "../parts/money.tsx";
import type { Figure, Metric } from "./metrics.ts";

type Unit = Metric["unit"];
const MINUS = "\u2212";

export function FigureOf({ unit, figure }: { unit: Unit; figure: Figure }) {
  if (unit === "usd") return <Money usd={figure === null ? null : String(figure)} />;
  return <>{textOf(unit, figure === null ? null : Number(figure))}</>;
}

/** By sign and shape, as a difference of money is. */
export function DifferenceOf({ unit, figure }: { unit: Unit; figure: Figure }) {
  if (unit === "usd") return <Difference usd={figure === null ? null : String(figure)} />;
  if (figure === null) return <>{"\u2013"}</>;
  const size = Number(figure);
  const [way, arrow, sign] =
    size > 0 ? ["up", "\u25b2", "+"] : size < 0 ? ["down", "\u25bc", MINUS] : ["same", "\u25c6", "\u00b1"];
  return (
    <span class={`difference ${way}`}>
      <span aria-hidden="true">{arrow} </span>
      {sign}
      {unit === "share" ? `${Number((Math.abs(size) * 100).toPrecision(3))} points` : textOf(unit, Math.abs(size))}
    </span>
  );
}

function textOf(unit: Unit, value: number | null): string {
  if (value === null) return "\u2013";
  return unit === "share" ? formatShare(value) : unit === "ms" ? formatDuration(value) : formatCount(value);
}

/** For an axis. */
export function briefOf(unit: Unit): (value: number) => string {
  if (unit === "usd") return formatBriefly;
  if (unit === "share") return (value) => `${Number((value * 100).toPrecision(3))}%`;
  if (unit === "ms") return (value) => (value < 1_000 ? formatDuration(value) : `${brief(value / 1_000)} s`);
  return brief;
}

function brief(value: number): string {
  return value.toLocaleString("en-US", { notation: "compact", maximumSignificantDigits: 3 });
}
