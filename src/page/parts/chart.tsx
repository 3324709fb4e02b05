/**
 * Series over time on a canvas, by uPlot. Each is named beside its colour: to point at a name or to focus it dims the
 * others, a click on it or on its part of the chart follows it, and dragging over the chart zooms.
 */
import type { ComponentChildren } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type uPlot from "uplot";
import { type Charted, seriesAt } from "../stack.ts";
import { useStore } from "../store.ts";
import { theme } from "../theme.ts";
import "./chart.css";
import { COLOURS, dataOf, heightOf, plotOf } from "./plot.ts";

export interface ChartProps extends Charted {
  kind: "area" | "bars" | "lines";
  /** What it shows, for who does not see it. */
  label: string;
  zone: string;
  format?: (value: number) => string;
  nameOf?: (key: string) => string;
  hrefOf?: (key: string) => string | null;
  /** With the starts of the first and the last interval that were dragged over. */
  onZoom?: (fromMs: number, toMs: number) => void;
  /** A click on a part of the chart. */
  onPick?: (key: string) => void;
  /**
   * The exact figure of a series in an interval. Without a series: of all of them. Without an interval: of the whole
   * range. With it, the legend has figures, and the arrow keys move the cursor.
   */
  figureAt?: (key: string | null, place: number | null) => ComponentChildren;
  /** The name of an interval. */
  timeAt?: (place: number) => string;
  /** Of the whole in another period: a line of its own. */
  previous?: readonly (number | null)[] | null;
  /** What is drawn without a colour of its own. */
  restKey?: string;
  height?: number;
}

export function Chart(props: ChartProps) {
  const { label, series, xs, figureAt } = props;
  const box = useRef<HTMLDivElement>(null);
  const latest = useRef(props);
  latest.current = props;
  const look = useStore(theme);
  const [place, setPlace] = useState<number | null>(null);
  const [under, setUnder] = useState<number | null>(null);
  const hasPrevious = props.previous !== undefined && props.previous !== null;
  const shape = `${props.kind} ${look} ${props.zone} ${hasPrevious} ${series.map(({ key }) => key).join("\n")}`;
  const plot = useRef<uPlot>(undefined);
  const shown = useRef<Charted["series"]>(undefined);
  useEffect(() => {
    const element = box.current!;
    const follow = (at: number | null, value: number): void => {
      const { series, kind } = latest.current;
      setPlace(at);
      setUnder(at === null ? null : (seriesAt(series, at, value, kind !== "lines")?.place ?? null));
    };
    const made = plotOf(latest, element, follow);
    plot.current = made;
    shown.current = latest.current.series;
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
  useEffect(() => {
    if (shown.current !== series) plot.current?.setData(dataOf(latest.current));
    shown.current = series;
  }, [xs, series]);
  const at = place !== null && place < xs.length ? place : null;
  const dim = (of: number | null): void => plot.current?.setSeries(of === null ? null : of + 1, { focus: true });
  const canvas = (
    <div ref={box} class="canvas" role="img" aria-label={label} style={{ height: `${heightOf(props)}px` }} />
  );
  return (
    <figure class="chart">
      {figureAt ? (
        <div
          class={props.onPick ? "plot picks" : "plot"}
          role="group"
          tabIndex={0}
          aria-label={`Chart. The arrow keys move through it${props.onZoom ? ", Enter zooms into an interval" : ""}.`}
          onKeyDown={(event) => moveByKey(event, plot.current, latest.current, at)}
          onBlur={() => plot.current?.setCursor({ left: -10, top: -10 })}
        >
          {canvas}
        </div>
      ) : (
        canvas
      )}
      <figcaption>
        {figureAt && (
          <p class="readout" aria-live="polite">
            {at === null ? "Whole range" : (props.timeAt?.(at) ?? "")} <strong>{figureAt(null, at)}</strong>
            {hasPrevious && <span class="muted"> (dashed: the previous period)</span>}
          </p>
        )}
        <Legend {...props} place={at} under={under} dim={dim} />
      </figcaption>
    </figure>
  );
}

interface LegendProps extends ChartProps {
  place: number | null;
  /** The series at the cursor. */
  under: number | null;
  dim: (place: number | null) => void;
}

function Legend({ series, nameOf = (key) => key, hrefOf, figureAt, restKey, place, under, dim }: LegendProps) {
  // While the cursor moves, only figures change.
  const hrefs = useMemo(() => series.map(({ key }) => hrefOf?.(key) ?? null), [series, hrefOf]);
  return (
    <ul class={figureAt ? "legend with-figures" : "legend"}>
      {series.map(({ key }, at) => {
        const href = hrefs[at] ?? null;
        const name = nameOf(key);
        const isRest = key === restKey;
        const colour = isRest ? "colour-rest" : `colour-${at % COLOURS}`;
        const cycle = isRest ? 0 : Math.floor(at / COLOURS) % 4;
        return (
          <li
            key={key}
            class={under === at ? "under" : undefined}
            onMouseEnter={() => dim(at)}
            onMouseLeave={() => dim(null)}
            onFocusCapture={() => dim(at)}
            onBlurCapture={() => dim(null)}
          >
            <span class={`swatch ${colour} cycle-${cycle}`} aria-hidden="true" />
            <span class="name" title={name}>
              {href === null ? (
                <bdi>{name}</bdi>
              ) : (
                <a href={href}>
                  <bdi>{name}</bdi>
                </a>
              )}
            </span>
            {figureAt && <span class="value">{figureAt(key, place)}</span>}
          </li>
        );
      })}
    </ul>
  );
}

function moveByKey(event: KeyboardEvent, plot: uPlot | undefined, { xs, onZoom }: ChartProps, at: number | null): void {
  if (!plot || xs.length === 0) return;
  if (event.key === "Enter" && at !== null) return onZoom?.(xs[at]! * 1_000, xs[at]! * 1_000);
  const last = xs.length - 1;
  const next = {
    ArrowRight: at === null ? 0 : Math.min(at + 1, last),
    ArrowLeft: at === null ? last : Math.max(at - 1, 0),
    Home: 0,
    End: last,
  }[event.key];
  if (next === undefined) return;
  event.preventDefault();
  // Near the bottom, where the smallest series are: the cursor itself is what matters.
  plot.setCursor({ left: plot.valToPos(xs[next]!, "x"), top: plot.over.clientHeight / 2 });
}
