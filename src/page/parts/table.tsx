/**
 * A table of rows that each have a key. The arrow keys move between rows, and Enter follows a row's first link. Long
 * tables show a part first, so that ten thousand rows do not stall the page.
 */
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";

export interface Column<Row> {
  key: string;
  title: string;
  /** Figures stand at the right, one digit below another. */
  isFigure?: boolean;
  render: (row: Row) => ComponentChildren;
}

interface TableProps<Row> {
  caption: string;
  rows: readonly Row[];
  columns: readonly Column<Row>[];
  keyOf: (row: Row) => string;
}

const FIRST = 100;
const MORE = 500;

export function Table<Row>({ caption, rows, columns, keyOf }: TableProps<Row>) {
  const [most, setMost] = useState(FIRST);
  return (
    <div class="table" tabIndex={0} role="region" aria-label={caption}>
      <table onKeyDown={moveByKey}>
        <caption>{caption}</caption>
        <thead>
          <tr>
            {columns.map(({ key, title, isFigure }) => (
              <th key={key} scope="col" class={isFigure ? "figure" : undefined}>
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.slice(0, most).map((row) => (
            <tr key={keyOf(row)} data-key={keyOf(row)}>
              {columns.map(({ key, isFigure, render }) => (
                <td key={key} class={isFigure ? "figure" : undefined}>
                  {render(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {rows.length > most && (
        <button type="button" class="quiet" onClick={() => setMost(most + MORE)}>
          Show more: {(rows.length - most).toLocaleString("en-US")} rows are left
        </button>
      )}
    </div>
  );
}

/** From a link in one row to the link in the row above or below. */
function moveByKey(event: KeyboardEvent): void {
  const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
  const link = event.target instanceof Element ? event.target.closest("a, button") : null;
  const row = link?.closest("tr");
  if (step === 0 || !row) return;
  const other = step > 0 ? row.nextElementSibling : row.previousElementSibling;
  const next = other?.querySelector<HTMLElement>("a, button");
  if (!next) return;
  event.preventDefault();
  next.focus();
}
