/**
 * A chart's canvas: uPlot with the theme's colours, stacks and zoom. The build leaves out what no option here asks for
 * (`scripts/page/trim-plot.ts`).
 */
import uPlot from "uplot";
import { seriesAt, stacked } from "../stack.ts";
import { formatDay, formatTime } from "../figures.ts";
import { formatBriefly } from "../money.ts";
import type { ChartProps } from "./chart.tsx";

/** Series after these have the same colours again, with stripes or dashes. */
export const COLOURS = 10;
const DASHES = [[], [7, 4], [2, 3], [10, 3, 2, 3]];

export function heightOf({ height = 240 }: Pick<ChartProps, "height">): number {
  return height;
}

/** @param follow hears where the cursor is: its interval, null outside, and the value at its height. */
export function plotOf(
  latest: { current: ChartProps },
  element: HTMLElement,
  follow: (place: number | null, value: number) => void,
): uPlot {
  const made = new uPlot(optionsOf(latest, element, follow), dataOf(latest.current), element);
  // After a drag there is no click: uPlot stops it.
  made.over.addEventListener("click", () => {
    const { idx, top = -1 } = made.cursor;
    const { onPick, series, kind } = latest.current;
    if (!onPick || idx === null || idx === undefined || top < 0) return;
    const found = seriesAt(series, idx, made.posToVal(top, "y"), kind !== "lines");
    if (found !== null) onPick(found.key);
  });
  return made;
}

export function dataOf({ xs, series, kind, previous }: ChartProps): uPlot.AlignedData {
  const drawn = kind === "lines" ? series.map(({ values }) => values as (number | null)[]) : stacked(series);
  return [xs, ...drawn, ...(previous ? [previous as (number | null)[]] : [])];
}

function optionsOf(
  latest: { current: ChartProps },
  element: HTMLElement,
  follow: (place: number | null, value: number) => void,
): uPlot.Options {
  const { kind, series, zone, previous, restKey } = latest.current;
  const style = getComputedStyle(element);
  const colours = new Map<string, string>();
  const colour = (name: string): string => {
    if (!colours.has(name)) colours.set(name, style.getPropertyValue(name).trim());
    return colours.get(name)!;
  };
  const fills = new Map<string, string | CanvasPattern>();
  const fill = (stroke: string, cycle: number): string | CanvasPattern => {
    const name = `${stroke} ${cycle}`;
    if (!fills.has(name)) fills.set(name, fillOf(stroke, colour("--paper"), cycle));
    return fills.get(name)!;
  };
  const bars = uPlot.paths.bars!({ size: [0.8, 64] });
  const axis = { stroke: colour("--muted"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false } };
  const format = (value: number): string => (latest.current.format ?? formatBriefly)(value);
  return {
    width: element.clientWidth,
    height: heightOf(latest.current),
    legend: { show: false },
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1_000), zone),
    cursor: { drag: { x: latest.current.onZoom !== undefined, y: false, setScale: false }, points: { show: false } },
    focus: { alpha: 0.2 },
    scales: {
      x: { time: true, range: (_, low, high) => roomAround(latest.current, low, high) },
      y: { range: (_, low, high) => [Math.min(0, low ?? 0), (high ?? 0) > 0 ? high * 1.05 : 1] },
    },
    axes: [
      { ...axis, size: 30, space: 70, values: (_, seconds, __, ___, step) => timesOf(seconds, step, zone) },
      { ...axis, size: 64, values: (_, values) => values.map(format) },
    ],
    // Each series of a stack is filled down to the next one only, so that it can be dimmed.
    ...(kind !== "lines" && { bands: series.slice(1).map((_, at): uPlot.Band => ({ series: [at + 1, at + 2] })) }),
    series: [
      {},
      ...series.map(({ key }, at): uPlot.Series => {
        const stroke = colour(key === restKey ? "--muted" : `--series-${at % COLOURS}`);
        const cycle = key === restKey ? 0 : Math.floor(at / COLOURS) % DASHES.length;
        return {
          stroke,
          width: kind === "lines" ? 2 : 1,
          ...(kind === "lines" && cycle > 0 && { dash: DASHES[cycle]! }),
          // A point without neighbours has no line.
          points: { show: kind === "lines" ? (latest.current.xs.length < 2 ? true : undefined) : false, size: 5 },
          ...(kind !== "lines" && { fill: fill(stroke, cycle) }),
          ...(kind === "bars" && { paths: bars }),
        } as uPlot.Series;
      }),
      ...(previous ? [{ stroke: colour("--ink"), width: 1.5, dash: [6, 5], points: { show: false } }] : []),
    ],
    hooks: {
      setCursor: [(made) => follow(made.cursor.idx ?? null, made.posToVal(made.cursor.top ?? 0, "y"))],
      setSelect: [
        (made) => {
          const { left, width } = made.select;
          if (width < 4) return;
          const { xs, onZoom } = latest.current;
          const [from, to] = [xs[made.posToIdx(left)], xs[made.posToIdx(left + width)]];
          made.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          if (from !== undefined && to !== undefined) onZoom?.(from * 1_000, to * 1_000);
        },
      ],
    },
  };
}

/** Days, and hours between them. */
function timesOf(seconds: readonly number[], step: number, zone: string): string[] {
  return seconds.map((second) => {
    const time = formatTime(second * 1_000, zone);
    return step >= 86_400 || time.slice(11, 16) === "00:00" ? formatDay(time) : time.slice(11, 16);
  });
}

/** Bars stand on both sides of their time, and a single point has no width. */
function roomAround({ kind, xs }: ChartProps, low: number | null, high: number | null): [number, number] {
  if (xs.length < 2) return [(xs[0] ?? 0) - 43_200, (xs[0] ?? 0) + 43_200];
  const half = kind === "bars" ? (xs[1]! - xs[0]!) / 2 : 0;
  return [(low ?? 0) - half, (high ?? 1) + half];
}

/** Plain, or with stripes in one of three directions. */
function fillOf(stroke: string, paper: string, cycle: number): string | CanvasPattern {
  if (cycle === 0) return stroke;
  const tile = document.createElement("canvas");
  tile.width = tile.height = 8;
  const context = tile.getContext("2d");
  if (!context) return stroke;
  context.fillStyle = stroke;
  context.fillRect(0, 0, 8, 8);
  context.strokeStyle = paper;
  context.lineWidth = 1.5;
  context.beginPath();
  for (const off of [-8, 0, 8]) {
    const [fromX, fromY, toX, toY] = stripes(cycle, off);
    context.moveTo(fromX, fromY);
    context.lineTo(toX, toY);
  }
  context.stroke();
  return context.createPattern(tile, "repeat") ?? stroke;
}

function stripes(cycle: number, off: number): [number, number, number, number] {
  if (cycle === 1) return [off, 8, off + 8, 0];
  return cycle === 2 ? [off, 0, off + 8, 8] : [0, off + 4, 8, off + 4];
}
