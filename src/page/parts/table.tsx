/**
 * A table of rows that each have a key. The arrow keys move between rows, and Enter follows a row's first link. Of a
 * long table only the rows in sight are in the document, so that ten thousand of them do not stall the page.
 */
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import "./table.css";
import { useWindow } from "./table-window.ts";

export interface Column<Row> {
  key: string;
  title: string;
  /** Figures stand at the right, one digit below another. */
  isFigure?: boolean;
  render: (row: Row) => ComponentChildren;
  /** Of the last row, below all others. */
  total?: ComponentChildren;
  /** Can rows be sorted by it? Then its title is a button. */
  isSortable?: boolean;
}

export interface TableProps<Row> {
  caption: string;
  rows: readonly Row[];
  columns: readonly Column<Row>[];
  keyOf: (row: Row) => string;
  /** The column that rows are sorted by. The table does not sort them. */
  sort?: { column: string; descending: boolean } | null;
  onSort?: (column: string) => void;
}

/** Longer tables have rows of one height, in a box of their own. */
const LONG = 100;
const MOST_PRINTED = 500;

export function Table<Row>({ caption, rows, columns, keyOf, sort = null, onSort }: TableProps<Row>) {
  const isLong = rows.length > LONG;
  const box = useRef<HTMLDivElement>(null);
  const { first, end, rowHeight, isPrinting, show } = useWindow(box, isLong ? rows.length : 0, MOST_PRINTED);
  // In another order, what was in sight is elsewhere.
  useEffect(() => {
    if (box.current) box.current.scrollTop = 0;
  }, [sort?.column, sort?.descending]);
  const [from, to] = isLong ? [first, end] : [0, rows.length];
  const hasTotals = columns.some(({ total }) => total !== undefined);
  const count = rows.length + 1 + (hasTotals ? 1 : 0);
  return (
    <div class={isLong ? "table long" : "table"} ref={box} tabIndex={0} role="region" aria-label={caption}>
      {isLong && isPrinting && rows.length > MOST_PRINTED && (
        <p class="printed">
          Printed are the first {MOST_PRINTED} of {rows.length.toLocaleString("en-US")} rows. Export them to have all.
        </p>
      )}
      <table onKeyDown={(event) => moveByKey(event, isLong ? show : null)} aria-rowcount={isLong ? count : undefined}>
        <caption>{caption}</caption>
        <thead>
          <tr aria-rowindex={isLong ? 1 : undefined}>
            {columns.map(({ key, title, isFigure, isSortable }) => (
              <th
                key={key}
                scope="col"
                class={isFigure ? "figure" : undefined}
                aria-sort={sort?.column === key ? (sort.descending ? "descending" : "ascending") : undefined}
              >
                {isSortable && onSort ? (
                  <button type="button" class="sort" onClick={() => onSort(key)}>
                    {title}
                    <span class="way" aria-hidden="true">
                      {sort?.column === key ? (sort.descending ? "\u25be" : "\u25b4") : ""}
                    </span>
                  </button>
                ) : (
                  title
                )}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {from > 0 && <Space key="before" height={from * rowHeight} columns={columns.length} />}
          {rows.slice(from, to).map((row, place) => (
            <tr key={keyOf(row)} data-key={keyOf(row)} aria-rowindex={isLong ? from + place + 2 : undefined}>
              {columns.map(({ key, isFigure, render }) => (
                <td key={key} class={isFigure ? "figure" : undefined}>
                  {render(row)}
                </td>
              ))}
            </tr>
          ))}
          {to < rows.length && !isPrinting && (
            <Space key="after" height={(rows.length - to) * rowHeight} columns={columns.length} />
          )}
        </tbody>
        {hasTotals && (
          <tfoot>
            <tr aria-rowindex={isLong ? count : undefined}>
              {columns.map(({ key, isFigure, total }, place) =>
                place === 0 ? (
                  <th key={key} scope="row">
                    {total}
                  </th>
                ) : (
                  <td key={key} class={isFigure ? "figure" : undefined}>
                    {total}
                  </td>
                ),
              )}
            </tr>
          </tfoot>
        )}
      </table>
    </div>
  );
}

/** The room of rows that are not in sight. */
function Space({ height, columns }: { height: number; columns: number }) {
  return (
    <tr class="space" aria-hidden="true">
      <td colSpan={columns} style={{ height: `${height}px` }} />
    </tr>
  );
}

/** From a link in one row to the link in another. In a long table Page Up, Page Down, Home and End go further. */
function moveByKey(event: KeyboardEvent, show: ((place: number) => void) | null): void {
  const link = event.target instanceof Element ? event.target.closest("a, button") : null;
  const row = link?.closest("tbody tr");
  if (!row || event.ctrlKey || event.metaKey || event.altKey) return;
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step !== undefined) {
    const other = step > 0 ? row.nextElementSibling : row.previousElementSibling;
    const next = other?.querySelector<HTMLElement>("a, button");
    if (!next) return;
    event.preventDefault();
    next.focus();
    return;
  }
  const far = { PageDown: 20, PageUp: -20, Home: -Infinity, End: Infinity }[event.key];
  if (far === undefined || show === null) return;
  event.preventDefault();
  show(Number(row.getAttribute("aria-rowindex")) - 2 + far);
}
