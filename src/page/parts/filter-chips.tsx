/** The filters of a view as chips, and a field that adds one. */
import { useRef } from "preact/hooks";
import { navigate } from "../address.ts";
import { fieldName, type FilterField, filtersOf, withoutFilter } from "../filters.ts";
import { groupName } from "../groups.ts";
import type { Range } from "../range.ts";
import { AddFilter } from "./add-filter.tsx";
import { Menu } from "./menu.tsx";

export interface FilterChipsProps {
  query: URLSearchParams;
  range: Range;
  /** How many labels (user, tags) one question may filter by. A summary takes one, a list of calls any. */
  labels?: "one" | "any";
}

export function FilterChips({ query, range, labels = "one" }: FilterChipsProps) {
  const box = useRef<HTMLDivElement>(null);
  const filters = filtersOf(query);
  const byField = Map.groupBy(filters, ({ field }) => field);
  const go = (next: URLSearchParams): void => {
    const text = next.toString();
    navigate(location.pathname + (text && `?${text}`));
  };
  const remove = (next: URLSearchParams): void => {
    go(next);
    // The chip that had the focus goes.
    box.current?.querySelector<HTMLElement>(".control-button")?.focus();
  };
  return (
    <div class="control-filters" ref={box} role="group" aria-label="Filters">
      {byField.size > 0 && (
        <ul class="control-chips">
          {[...byField].map(([field, found]) => (
            <li key={field}>
              <bdi class="muted">{fieldName(field)}</bdi>
              {found.map(({ value }, place) => (
                <Chip
                  key={value}
                  field={field}
                  value={value}
                  isFirst={place === 0}
                  remove={() => remove(withoutFilter(query, field, value))}
                />
              ))}
            </li>
          ))}
        </ul>
      )}
      <Menu label={filters.length === 0 ? "Filter" : "Add filter"} title="Add a filter">
        {(close) => <AddFilter query={query} range={range} labels={labels} go={go} close={close} />}
      </Menu>
      {filters.length > 1 && (
        <button
          type="button"
          class="quiet"
          onClick={() => remove(filters.reduce((rest, { field, value }) => withoutFilter(rest, field, value), query))}
        >
          Clear filters
        </button>
      )}
    </div>
  );
}

interface ChipProps {
  field: FilterField;
  value: string;
  isFirst: boolean;
  remove: () => void;
}

function Chip({ field, value, isFirst, remove }: ChipProps) {
  return (
    <>
      {!isFirst && <span class="muted">or</span>}
      <button type="button" class="control-chip" title={value} onClick={remove}>
        <span class="control-hidden">Remove the filter {fieldName(field)}: </span>
        <bdi>{groupName(value)}</bdi>
        <span aria-hidden="true">×</span>
      </button>
    </>
  );
}
