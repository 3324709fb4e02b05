/** A session on a line of time: each call as high as its cost, and over them the cost so far. Drawn only. */
import { formatTime } from "../figures.ts";
import { drawnUsd, formatUsd } from "../money.ts";
import { placeOf, type TimeSpan } from "../time-line.ts";
import type { Placed } from "./calls.tsx";

const [WIDTH, HEIGHT] = [1_000, 100];

export function CostLine({ placed, span, zone }: { placed: readonly Placed[]; span: TimeSpan; zone: string }) {
  const most = Math.max(...placed.map(({ call }) => drawnUsd(call.cost_usd)));
  const total = drawnUsd(placed[0]?.soFar);
  if (placed.length < 2 || most <= 0 || total <= 0) return null;
  const bars = placed.map(({ call, soFar }) => {
    const moment = { startMs: Date.parse(call.timestamp), durationMs: call.duration_ms };
    const { left, width } = placeOf(moment, span);
    return {
      key: call.id,
      x: (left / 100) * WIDTH,
      width: (width / 100) * WIDTH,
      height: (drawnUsd(call.cost_usd) / most) * HEIGHT,
      y: HEIGHT - (drawnUsd(soFar) / total) * HEIGHT,
    };
  });
  const steps = bars.toReversed();
  const path = steps.map(({ x, y }, place) => (place === 0 ? `M${x},${y}` : `H${x}V${y}`)).join("") + `H${WIDTH}`;
  return (
    <figure class="session-line">
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`Cost of each call over time, and the cost so far up to ${formatUsd(placed[0]!.soFar)}. The table below has the figures.`}
      >
        {bars.map(({ key, x, width, height }) => (
          <rect key={key} class="session-call" x={x} y={HEIGHT - height} width={width} height={height} />
        ))}
        <path class="session-so-far" d={path} />
      </svg>
      <figcaption>
        <span>{formatTime(span.startMs, zone)}</span>
        <span>
          <span class="swatch colour-0" aria-hidden="true" />
          each call, <span class="swatch colour-1" aria-hidden="true" />
          cost so far
        </span>
        <span>{formatTime(span.endMs, zone)}</span>
      </figcaption>
    </figure>
  );
}
