/**
 * Series over time on a canvas, by uPlot. Colours are the theme's, and each series is named beside its colour: a click
 * on a name follows it, dragging over the chart zooms.
 */
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { formatBriefly } from "../money.ts";
import { type Charted, stacked } from "../stack.ts";
import { useStore } from "../store.ts";
import { theme } from "../theme.ts";

interface ChartProps extends Charted {
  kind: "area" | "bars" | "lines";
  /** What it shows, for who does not see it. */
  label: string;
  zone: string;
  format?: (value: number) => string;
  nameOf?: (key: string) => string;
  hrefOf?: (key: string) => string | null;
  onZoom?: (fromMs: number, toMs: number) => void;
  height?: number;
}

export const COLOURS = 10;

export function Chart(props: ChartProps) {
  const { label, series, nameOf = (key) => key, hrefOf } = props;
  const box = useRef<HTMLDivElement>(null);
  const latest = useRef(props);
  latest.current = props;
  const look = useStore(theme);
  const shape = `${props.kind} ${look} ${props.zone} ${series.map(({ key }) => key).join("\n")}`;
  const plot = useRef<uPlot>(undefined);
  useEffect(() => {
    const element = box.current!;
    const made = new uPlot(optionsOf(latest, element), dataOf(latest.current), element);
    plot.current = made;
    const sized = new ResizeObserver(() => {
      if (element.clientWidth !== made.width)
        made.setSize({ width: element.clientWidth, height: heightOf(latest.current) });
    });
    sized.observe(element);
    return () => {
      sized.disconnect();
      made.destroy();
    };
  }, [shape]);
  useEffect(() => plot.current?.setData(dataOf(latest.current)), [props.xs, series]);
  return (
    <figure class="chart">
      <div ref={box} class="canvas" role="img" aria-label={label} style={{ height: `${heightOf(props)}px` }} />
      <figcaption>
        <ul class="legend">
          {series.map(({ key }, place) => {
            const href = hrefOf?.(key) ?? null;
            return (
              <li key={key}>
                <span class={`swatch colour-${place % COLOURS}`} aria-hidden="true" />
                {href === null ? nameOf(key) : <a href={href}>{nameOf(key)}</a>}
              </li>
            );
          })}
        </ul>
      </figcaption>
    </figure>
  );
}

function heightOf({ height = 240 }: ChartProps): number {
  return height;
}

function dataOf({ xs, series, kind }: ChartProps): uPlot.AlignedData {
  return [xs, ...(kind === "lines" ? series.map(({ values }) => values) : stacked(series))];
}

function optionsOf(latest: { current: ChartProps }, element: HTMLElement): uPlot.Options {
  const { kind, series, zone, format = formatBriefly } = latest.current;
  const style = getComputedStyle(element);
  const colour = (name: string): string => style.getPropertyValue(name).trim();
  const bars = uPlot.paths.bars!({ size: [0.8, 64] });
  const axis = { stroke: colour("--muted"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false } };
  return {
    width: element.clientWidth,
    height: heightOf(latest.current),
    legend: { show: false },
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1_000), zone),
    cursor: { drag: { x: latest.current.onZoom !== undefined, y: false, setScale: false }, points: { show: false } },
    scales: {
      x: { time: true },
      y: { range: (_, low, high) => [Math.min(0, low ?? 0), (high ?? 0) > 0 ? high * 1.05 : 1] },
    },
    axes: [axis, { ...axis, size: 64, values: (_, values) => values.map((value) => format(value)) }],
    series: [
      {},
      ...series.map((_, place) => {
        const stroke = colour(`--series-${place % COLOURS}`);
        return {
          stroke,
          width: kind === "lines" ? 2 : 1,
          points: { show: kind === "lines" && latest.current.xs.length < 2 },
          ...(kind !== "lines" && { fill: stroke }),
          ...(kind === "bars" && { paths: bars }),
        };
      }),
    ],
    hooks: {
      setSelect: [
        (made) => {
          const { left, width } = made.select;
          if (width < 4) return;
          latest.current.onZoom?.(made.posToVal(left, "x") * 1_000, made.posToVal(left + width, "x") * 1_000);
          made.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
        },
      ],
    },
  };
}
