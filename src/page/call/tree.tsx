/**
 * The tree of a trace, by the treegrid pattern: rows take the focus one at a time, the arrow keys move, open and close.
 * Only rows in sight are in the document, and the row with the focus, so thousands of spans do not stall the page.
 */
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { navigate } from "../address.ts";
import { TimeAxis } from "../parts/time-line.tsx";
import { addressOf } from "../route.ts";
import { spanOf } from "../time-line.ts";
import { momentOf, SpanRow } from "./span.tsx";
import { openRows, rowsOf, sightOf, stepOf, type TraceTree } from "./tree.ts";

/** Heights of a row in a wide and in a narrow window, as in the style sheet. */
const ROW_PX = { wide: 52, narrow: 104 } as const;
const NARROW_PX = 720;
/** As many rows are shown without a box of their own to scroll in. */
const MOST_WHOLE = 30;
const BOX_PX = 640;

export function Tree({ tree, callId }: { tree: TraceTree; callId: string }) {
  const rows = useMemo(() => rowsOf(tree.spans), [tree]);
  const span = useMemo(() => spanOf(tree.spans.map(momentOf)), [tree]);
  const [closed, setClosed] = useState<ReadonlySet<number>>(new Set());
  const shown = useMemo(() => openRows(rows, closed), [rows, closed]);
  const current = rows.find(({ span }) => span.id === callId)?.at ?? 0;
  const [active, setActive] = useState(current);
  /** The row to take the focus once it is there. */
  const wanted = useRef<number | null>(null);
  const box = useRef<HTMLDivElement>(null);
  const [scrollTop, setScrollTop] = useState(0);
  const isNarrow = useIsNarrow(box);
  const rowHeight = isNarrow ? ROW_PX.narrow : ROW_PX.wide;
  const whole = shown.length * rowHeight;
  const height = shown.length > MOST_WHOLE ? BOX_PX : whole;

  const scrollTo = (at: number): void => {
    const top = shown.findIndex((row) => row.at === at) * rowHeight;
    const element = box.current!;
    if (top < element.scrollTop) element.scrollTop = top;
    if (top + rowHeight > element.scrollTop + height) element.scrollTop = top + rowHeight - height;
  };
  // The call that one came for is in sight at once.
  useEffect(() => {
    setActive(current);
    scrollTo(current);
  }, [current, rowHeight]);
  useLayoutEffect(() => {
    if (wanted.current === null) return;
    scrollTo(wanted.current);
    box.current?.querySelector<HTMLElement>(`[data-at="${wanted.current}"]`)?.focus({ preventScroll: true });
    wanted.current = null;
  });

  const toggle = (at: number): void => {
    const next = new Set(closed);
    if (!next.delete(at)) next.add(at);
    setClosed(next);
  };
  const focus = (at: number): void => {
    wanted.current = at;
    setActive(at);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const onRow = event.target instanceof Element && event.target.getAttribute("role") === "row";
    // A link in a row follows itself.
    if (event.key === "Enter" && !onRow) return;
    const step = stepOf(event.key, active, shown, closed);
    if (step === null || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    if (step.kind === "focus") focus(step.at);
    else if (step.kind === "follow") navigate(addressOf("call", {}, rows[step.at]!.span.id!));
    else {
      toggle(step.at);
      focus(step.at);
    }
  };

  const parents = rows.filter(({ hasChildren }) => hasChildren);
  const sight = sightOf(scrollTop, height, rowHeight, shown.length);
  // A row that was closed away leaves the place in the tab order to the first one.
  const tabbed = shown.some(({ at }) => at === active) ? active : shown[0]?.at;
  const inSight = shown.flatMap((row, index) =>
    (index >= sight.from && index < sight.to) || row.at === tabbed ? [{ row, index }] : [],
  );
  return (
    <>
      {parents.length > 0 && (
        <div class="choice">
          <button type="button" class="quiet" disabled={closed.size === 0} onClick={() => setClosed(new Set())}>
            Open all
          </button>
          <button
            type="button"
            class="quiet"
            disabled={closed.size >= parents.length}
            onClick={() => setClosed(new Set(parents.map(({ at }) => at)))}
          >
            Close all
          </button>
        </div>
      )}
      <div
        class={isNarrow ? "call-tree narrow" : "call-tree"}
        role="treegrid"
        aria-label="Spans of the trace"
        aria-readonly="true"
        aria-rowcount={shown.length + 1}
        onKeyDown={onKeyDown}
      >
        <div role="row" class="call-tree-head" aria-rowindex={1}>
          <span role="columnheader">Span</span>
          <span role="columnheader" class="figure">
            Own cost
          </span>
          <span role="columnheader" class="figure">
            With all below
          </span>
          <span role="columnheader" aria-label="Time">
            <TimeAxis span={span} />
          </span>
          <span role="columnheader" class="call-head-why">
            Why
          </span>
        </div>
        <div
          ref={box}
          role="rowgroup"
          class="call-tree-box"
          style={{ "--height": `${height}px` }}
          onScroll={(event) => setScrollTop(event.currentTarget.scrollTop)}
        >
          <div role="presentation" class="call-tree-rows" style={{ "--height": `${whole}px` }}>
            {inSight.map(({ row, index }) => (
              <SpanRow
                key={row.at}
                row={row}
                index={index}
                top={index * rowHeight}
                height={rowHeight}
                isOpen={!closed.has(row.at)}
                isActive={row.at === tabbed}
                isCurrent={row.span.id === callId}
                span={span}
                onToggle={toggle}
                onActivate={setActive}
              />
            ))}
          </div>
        </div>
      </div>
    </>
  );
}

/** Follows the room that the tree has. */
function useIsNarrow(box: { current: HTMLElement | null }): boolean {
  const [isNarrow, setIsNarrow] = useState(innerWidth < NARROW_PX + 60);
  useLayoutEffect(() => {
    const sized = new ResizeObserver(([entry]) => setIsNarrow((entry?.contentRect.width ?? innerWidth) < NARROW_PX));
    sized.observe(box.current!);
    return () => sized.disconnect();
  }, []);
  return isNarrow;
}
