/** A line of time: its axis, and a bar on it for each thing that takes time. Placed by custom properties. */
import { formatDuration } from "../figures.ts";
import { type Moment, placeOf, ticksOf, type TimeSpan } from "../time-line.ts";
import "./time-line.css";

const LAST = 0.88;

/** Times since the start, in words. */
export function TimeAxis({ span, most = 4 }: { span: TimeSpan; most?: number }) {
  const whole = span.endMs - span.startMs;
  // A label at the end stands to the left of its tick, where the one before may be.
  const ticks = ticksOf(span, most).filter((ms) => ms / whole <= LAST || (ticksOf(span, most)[1] ?? 0) / whole > 0.3);
  return (
    <span class="time-axis" aria-hidden="true">
      {ticks.map((ms) => {
        const at = (ms / whole) * 100;
        return (
          <span key={ms} class={at > LAST * 100 ? "time-tick last" : "time-tick"} style={{ "--at": `${at}%` }}>
            {ms === 0 ? "0" : lengthOf(ms)}
          </span>
        );
      })}
    </span>
  );
}

/** @param kind chooses the look: what counts is filled, the rest is an outline. */
export function TimeBar({ moment, span, kind }: { moment: Moment; span: TimeSpan; kind: "counts" | "not" | "link" }) {
  const { left, width } = placeOf(moment, span);
  return (
    <span class="time-track" aria-hidden="true">
      <span class={`time-bar ${kind}`} style={{ "--left": `${left}%`, "--width": `${width}%` }} />
    </span>
  );
}

/** `2 h 30 min`, `3 d`; shorter ones as elsewhere. */
export function lengthOf(ms: number): string {
  const minutes = Math.round(ms / 60_000);
  if (ms < 60_000) return formatDuration(ms);
  if (minutes < 60) return `${minutes} min`;
  if (minutes < 48 * 60) return `${Math.floor(minutes / 60)} h${minutes % 60 === 0 ? "" : ` ${minutes % 60} min`}`;
  return `${Math.round(minutes / 1_440)} d`;
}
