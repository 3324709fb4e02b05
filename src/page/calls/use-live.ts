/**
 * A list that follows what comes, and never moves what is being read: while somebody reads further down, has the focus
 * in it or selects text of it, new calls wait.
 */
import { useRef, useState } from "preact/hooks";
import { addedTo, followed } from "./live.ts";
import type { Call, Page } from "./use-list.ts";

interface Live {
  shown: readonly Call[];
  /** The calls that wait. */
  waiting: number;
  /** The calls that came since the list began to follow. */
  arrived: number;
  /** Does the list end before the range does? */
  goesOn: boolean;
  reveal: () => void;
}

interface State {
  list: string;
  page: Page<Call> | null;
  latest: Call[];
  shown: Call[];
  arrived: number;
  goesOn: boolean;
}

/** What a list which follows has, for the next look. Nothing yet: it looks once. */
export type Known = { current: ReadonlySet<string> };

/**
 * @param list names the list. Another one begins anew.
 * @param page the latest look; null if it is not of this list.
 * @param box holds the rows.
 */
export function useLive(
  list: string,
  page: Page<Call> | null,
  box: { current: HTMLElement | null },
  known: Known,
): Live {
  const [, again] = useState<unknown>();
  const state = useRef<State>(undefined);
  if (state.current?.list !== list) {
    state.current = { list, page: null, latest: [], shown: [], arrived: 0, goesOn: false };
    known.current = new Set();
  }
  const now = state.current;
  if (page !== null && page !== now.page) {
    const isFirst = now.page === null;
    const latest = followed(now.latest, page.rows, page.next === null);
    if (!isFirst) now.arrived += addedTo(now.latest, latest).length;
    now.goesOn = page.next !== null;
    now.page = page;
    now.latest = latest;
    known.current = new Set(latest.map(({ id }) => id));
    if (isFirst || !isRead(box.current)) now.shown = latest;
  }
  return {
    shown: now.shown,
    waiting: addedTo(now.shown, now.latest).length,
    arrived: now.arrived,
    goesOn: now.goesOn,
    reveal() {
      now.shown = now.latest;
      again({});
    },
  };
}

/** Would somebody lose the place by a row more at the top? */
function isRead(box: HTMLElement | null): boolean {
  if (box === null) return false;
  const selection = getSelection();
  const selects = selection !== null && !selection.isCollapsed && box.contains(selection.anchorNode);
  return box.getBoundingClientRect().top < 0 || box.contains(document.activeElement) || selects;
}
