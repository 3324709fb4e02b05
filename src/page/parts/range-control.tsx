/**
 * The range of a view: one that moves on, or own dates; and the zone in which days begin. What is wrong with an address
 * the view says, together with its own (`range.wrong`, `withoutWrong`).
 */
import { useState } from "preact/hooks";
import { navigate } from "../address.ts";
import {
  instantOfLocal,
  localText,
  PRESET_NAMES,
  PRESETS,
  type Range,
  rangeText,
  withRange,
  withZone,
} from "../range.ts";
import { Menu } from "./menu.tsx";
import { ZoneChoice } from "./zone-choice.tsx";

export interface RangeControlProps {
  query: URLSearchParams;
  range: Range;
}

export function RangeControl({ query, range }: RangeControlProps) {
  const nowMs = Date.now();
  return (
    <div class="control-range">
      <Menu
        title="Range and zone"
        label={
          <span>
            <strong>{range.preset === null ? "Own dates" : PRESET_NAMES[range.preset]}</strong>{" "}
            <span class="muted">
              {rangeText(range)}, {range.zone}
            </span>
          </span>
        }
      >
        {(close) => (
          <>
            <div class="control-presets">
              {PRESETS.map((preset) => (
                <button
                  key={preset}
                  type="button"
                  class="quiet"
                  aria-pressed={preset === range.preset}
                  data-first={preset === range.preset || undefined}
                  onClick={() => {
                    go(withRange(query, { preset }));
                    close();
                  }}
                >
                  {PRESET_NAMES[preset]}
                </button>
              ))}
            </div>
            <OwnDates key={`${range.from} ${range.to} ${range.zone}`} query={query} range={range} close={close} />
            <ZoneChoice
              zone={range.zone}
              isOwn={!query.has("tz") || query.get("tz") !== range.zone}
              nowMs={nowMs}
              onChoose={(zone) => go(withZone(query, range, zone))}
            />
          </>
        )}
      </Menu>
    </div>
  );
}

interface OwnDatesProps extends RangeControlProps {
  close: () => void;
}

function OwnDates({ query, range, close }: OwnDatesProps) {
  const { zone } = range;
  const [from, setFrom] = useState(localText(range.from, zone));
  const [to, setTo] = useState(localText(range.to, zone));
  const [wrong, setWrong] = useState<string | null>(null);
  // What was not changed keeps its seconds, and the one of two equal hours that it was in.
  const read = (text: string, ms: number): number | null =>
    text === localText(ms, zone) ? ms : instantOfLocal(text, zone);
  const submit = (event: Event): void => {
    event.preventDefault();
    const [start, end] = [read(from, range.from), read(to, range.to)];
    if (start === null || end === null) return setWrong("Give a start and an end between the years 2000 and 2100.");
    if (start >= end) return setWrong("The end must be after the start.");
    go(withRange(query, { from: start, to: end, zone }));
    close();
  };
  return (
    <form class="control-dates" onSubmit={submit} noValidate>
      <label>
        From
        <input type="datetime-local" value={from} onInput={(event) => setFrom(event.currentTarget.value)} />
      </label>
      <label>
        Until
        <input type="datetime-local" value={to} onInput={(event) => setTo(event.currentTarget.value)} />
      </label>
      <button type="submit">Show</button>
      <p class="control-wrong" role="alert">
        {wrong}
      </p>
    </form>
  );
}

function go(query: URLSearchParams): void {
  navigate(addressWith(query));
}

function addressWith(query: URLSearchParams): string {
  const text = query.toString();
  return location.pathname + (text && `?${text}`);
}
