/** One row of a trace's tree: a span with what it costs, whether it counts and why, and its bar on the line of time. */
import { formatDuration } from "../figures.ts";
import { groupName } from "../groups.ts";
import { Money } from "../parts/money.tsx";
import { TimeBar } from "../parts/time-line.tsx";
import { addressOf } from "../route.ts";
import type { Moment, TimeSpan } from "../time-line.ts";
import { type Row, type Span, whyParts } from "./tree.ts";

/** Deeper spans stand no further to the right; their level is told by a number. */
const DEEPEST = 12;

export interface SpanRowProps {
  row: Row;
  /** From the top of the tree, in rows and in pixels. */
  index: number;
  top: number;
  height: number;
  isOpen: boolean;
  isActive: boolean;
  isCurrent: boolean;
  span: TimeSpan;
  onToggle: (at: number) => void;
  onActivate: (at: number) => void;
}

export function momentOf({ start, duration_ms: durationMs }: Span): Moment {
  return { startMs: Date.parse(start), durationMs };
}

export function SpanRow(props: SpanRowProps) {
  const { row, index, top, height, isOpen, isActive, isCurrent, span, onToggle, onActivate } = props;
  const { at, span: of, level, place, siblings, hasChildren } = row;
  const name = of.kind === "link" ? "Span" : groupName(of.model);
  const kind = of.counts ? "counts" : of.kind === "link" ? "link" : "not";
  const tabIndex = isActive ? 0 : -1;
  return (
    <div
      role="row"
      class={`call-span ${kind}${isCurrent ? " current" : ""}`}
      data-at={at}
      data-key={of.id ?? of.span_id ?? ""}
      aria-rowindex={index + 2}
      aria-level={level}
      aria-posinset={place}
      aria-setsize={siblings}
      aria-expanded={hasChildren ? isOpen : undefined}
      aria-current={isCurrent ? "true" : undefined}
      tabIndex={tabIndex}
      style={{
        "--top": `${top}px`,
        "--height": `${height}px`,
        "--depth": String(Math.min(level - 1, DEEPEST)),
      }}
      onFocus={() => onActivate(at)}
    >
      <span role="gridcell" class="call-span-name">
        {hasChildren ? (
          <button
            type="button"
            class="call-toggle"
            tabIndex={-1}
            aria-label={isOpen ? "Close" : "Open"}
            onClick={() => onToggle(at)}
          >
            {isOpen ? "\u25be" : "\u25b8"}
          </button>
        ) : (
          <span class="call-toggle" />
        )}
        {level - 1 > DEEPEST && <small>{level - 1}: </small>}
        <span class="call-span-title">
          {of.id === null ? (
            name
          ) : (
            <a href={addressOf("call", {}, of.id)} tabIndex={tabIndex}>
              <bdi>{name}</bdi>
            </a>
          )}{" "}
          <small>
            <bdi>{[of.name, of.application].filter((text) => text !== null).join(" · ")}</bdi>
          </small>
          {isCurrent && <strong class="call-here"> this call</strong>}
        </span>
      </span>
      <span role="gridcell" class="call-span-own figure">
        {of.kind === "link" ? (
          <span class="muted">–</span>
        ) : (
          <span class={of.counts ? "" : "call-not"}>
            <Money usd={of.own_cost_usd} />
          </span>
        )}
      </span>
      <span role="gridcell" class="call-span-all figure">
        <Money usd={of.subtree_cost_usd} />
      </span>
      <span role="gridcell" class="call-span-time">
        <TimeBar moment={momentOf(of)} span={span} kind={kind} />
        <small>{formatDuration(of.duration_ms)}</small>
      </span>
      <span role="gridcell" class="call-span-why" title={of.why}>
        <strong>{of.counts ? "\u2713 Counts." : of.kind === "link" ? "" : "\u2715 Does not count."}</strong>{" "}
        <Why span={of} tabIndex={tabIndex} />
      </span>
    </div>
  );
}

function Why({ span, tabIndex }: { span: Span; tabIndex: number }) {
  const parts = whyParts(span);
  if (parts === null) return <>{span.why}</>;
  return (
    <>
      {parts[0]}
      <a href={addressOf("call", {}, span.counted_as!)} tabIndex={tabIndex}>
        {span.counted_as!.slice(0, 8)}…
      </a>
      {parts[1]}
    </>
  );
}
