/** Which rows of a long table are in sight. All rows have one height, which is measured. */
import type { RefObject } from "preact";
import { useEffect, useLayoutEffect, useState } from "preact/hooks";

/** Rows above and below those in sight, for the keyboard and for quick wheels. */
const SPARE = 12;
const FIRST_SHOWN = 40;

export interface RowWindow {
  first: number;
  /** Behind the last one. */
  end: number;
  rowHeight: number;
  isPrinting: boolean;
  /** Brings a row into sight, and focuses its link. */
  show: (place: number) => void;
}

/** @param count of rows; 0: the table is not long. */
export function useWindow(box: RefObject<HTMLElement | null>, count: number, mostPrinted: number): RowWindow {
  const [{ first, shown }, setSeen] = useState({ first: 0, shown: FIRST_SHOWN });
  const [rowHeight, setRowHeight] = useState(33);
  const [isPrinting, setPrinting] = useState(false);
  const [focused, setFocused] = useState<number | null>(null);
  const isLong = count > 0;

  useLayoutEffect(() => {
    const height = box.current?.querySelector("tbody tr[data-key]")?.getBoundingClientRect().height;
    if (isLong && height && Math.abs(height - rowHeight) > 0.1) setRowHeight(height);
  }, [isLong]);

  useEffect(() => {
    const element = box.current;
    if (!isLong || !element) return;
    const look = (): void => {
      // In steps, so that most of a scroll changes nothing.
      const top = Math.max(0, Math.floor(element.scrollTop / rowHeight / 4) * 4 - SPARE);
      const most = Math.ceil(element.clientHeight / rowHeight) + 2 * SPARE + 4;
      setSeen((seen) => (seen.first === top && seen.shown === most ? seen : { first: top, shown: most }));
      // Its row leaves the document, and with it the focus would.
      const row = element.ownerDocument.activeElement?.closest("tr[aria-rowindex]");
      if (row && element.contains(row) && row.closest("tbody")) {
        const place = Number(row.getAttribute("aria-rowindex")) - 2;
        if (place < top || place >= top + most) element.focus({ preventScroll: true });
      }
    };
    const resized = new ResizeObserver(look);
    resized.observe(element);
    element.addEventListener("scroll", look, { passive: true });
    const print = (): void => setPrinting(true);
    const printed = (): void => setPrinting(false);
    addEventListener("beforeprint", print);
    addEventListener("afterprint", printed);
    return () => {
      resized.disconnect();
      element.removeEventListener("scroll", look);
      removeEventListener("beforeprint", print);
      removeEventListener("afterprint", printed);
    };
  }, [isLong, rowHeight]);

  useEffect(() => {
    if (focused === null) return;
    const row = box.current?.querySelector(`tbody tr[aria-rowindex="${focused + 2}"]`);
    const link = row?.querySelector<HTMLElement>("a, button");
    if (!row) return;
    setFocused(null);
    link?.focus({ preventScroll: true });
  }, [focused, first, shown]);

  const show = (asked: number): void => {
    const place = Math.min(Math.max(asked, 0), count - 1);
    const element = box.current;
    if (!element) return;
    element.scrollTop = Math.max(0, (place + 3) * rowHeight - element.clientHeight / 2);
    setFocused(place);
  };

  if (isPrinting) return { first: 0, end: Math.min(mostPrinted, count), rowHeight, isPrinting, show };
  // A shorter answer may have come since the last scroll.
  const start = Math.max(0, Math.min(first, count - shown));
  return { first: start, end: Math.min(start + shown, count), rowHeight, isPrinting, show };
}
