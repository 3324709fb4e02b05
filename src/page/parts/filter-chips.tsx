/** The filters of a view as chips, and a field that adds one. */
import { useState } from "preact/hooks";
import { navigate } from "../address.ts";
import { DIMENSIONS, fieldName, type FilterField, filtersOf, withFilter, withoutFilter } from "../filters.ts";
import { groupName } from "../groups.ts";
import type { Range } from "../range.ts";
import { Menu } from "./menu.tsx";

export interface FilterChipsProps {
  query: URLSearchParams;
  range: Range;
  /** How many labels (user, tags) one question may filter by. A summary takes one, a list of calls any. */
  labels?: "one" | "any";
}

export function FilterChips({ query }: FilterChipsProps) {
  const [field, setField] = useState<FilterField>("model");
  const [text, setText] = useState("");
  const go = (next: URLSearchParams): void => navigate(`${location.pathname}?${next.toString()}`);
  return (
    <ul class="control-chips" aria-label="Filters">
      {filtersOf(query).map(({ field, value }) => (
        <li key={JSON.stringify([field, value])}>
          <button
            type="button"
            aria-label={`Remove the filter ${field} ${value}`}
            onClick={() => go(withoutFilter(query, field, value))}
          >
            {fieldName(field)}: <bdi>{groupName(value)}</bdi> <span aria-hidden="true">×</span>
          </button>
        </li>
      ))}
      <li>
        <Menu label="Add a filter" title="Add a filter">
          {(close) => (
            <form
              onSubmit={(event) => {
                event.preventDefault();
                if (text !== "") go(withFilter(query, field, text));
                setText("");
                close();
              }}
            >
              <select
                aria-label="Field"
                value={field}
                onChange={(event) => setField(event.currentTarget.value as FilterField)}
              >
                {[...DIMENSIONS, "user"].map((name) => (
                  <option key={name} value={name}>
                    {name}
                  </option>
                ))}
              </select>
              <input aria-label="Value" value={text} onInput={(event) => setText(event.currentTarget.value)} />
            </form>
          )}
        </Menu>
      </li>
    </ul>
  );
}
