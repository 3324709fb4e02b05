/** The range of a view: one that moves on, or own dates; and the zone in which days begin. */
import { navigate } from "../address.ts";
import { formatTime } from "../figures.ts";
import { PRESET_NAMES, PRESETS, type Range, withRange } from "../range.ts";
import { Menu } from "./menu.tsx";

export interface RangeControlProps {
  query: URLSearchParams;
  range: Range;
}

export function RangeControl({ query, range }: RangeControlProps) {
  const name = range.preset === null ? "Own dates" : PRESET_NAMES[range.preset];
  const go = (next: URLSearchParams): void => navigate(`${location.pathname}?${next.toString()}`);
  return (
    <div class="control-range">
      <Menu
        title="Range"
        label={
          <span>
            <strong>{name}</strong>{" "}
            <span class="muted">
              {formatTime(range.from, range.zone).slice(0, 16)} to {formatTime(range.to, range.zone).slice(0, 16)},{" "}
              {range.zone}
            </span>
          </span>
        }
      >
        {(close) =>
          PRESETS.map((preset) => (
            <button
              key={preset}
              type="button"
              aria-pressed={preset === range.preset}
              onClick={() => {
                go(withRange(query, { preset }));
                close();
              }}
            >
              {PRESET_NAMES[preset]}
            </button>
          ))
        }
      </Menu>
    </div>
  );
}
