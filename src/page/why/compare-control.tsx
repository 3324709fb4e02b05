/** Which period the range is compared with. Own dates are whole days, and both are included. */
import { navigate } from "../address.ts";
import { localText } from "../range.ts";
import { startOfDay } from "../zone.ts";
import { type Compared, type Way, withCompared } from "./compared.ts";

interface CompareControlProps {
  query: URLSearchParams;
  compared: Compared;
  /** The period that is compared with. */
  span: { from: number; to: number };
  zone: string;
}

const WAYS: Readonly<Record<Way, string>> = {
  previous: "the period before",
  "last-month": "the same days of last month",
  dates: "own dates",
};

export function CompareControl({ query, compared, span, zone }: CompareControlProps) {
  const go = (way: Way, next = span): void => navigate(`/why?${withCompared(query, way, next).toString()}`);
  const day = (text: string, later: number): number | null => {
    const [year, month, date] = text.split("-").map(Number);
    return year === undefined || !month || !date || year < 2000 || year > 2099
      ? null
      : startOfDay(zone, year, month - 1, date + later);
  };
  const change = (name: "from" | "to", text: string): void => {
    const ms = day(text, name === "to" ? 1 : 0);
    if (ms !== null) go("dates", { ...span, [name]: ms });
  };
  return (
    <div class="why-compare">
      <label>
        Compared with{" "}
        <select value={compared.way} onChange={(event) => go(event.currentTarget.value as Way)}>
          {(Object.keys(WAYS) as Way[]).map((way) => (
            <option key={way} value={way}>
              {WAYS[way]}
            </option>
          ))}
        </select>
      </label>
      {compared.way === "dates" && (
        <>
          <label>
            from{" "}
            <input
              type="date"
              value={localText(span.from, zone).slice(0, 10)}
              onChange={(event) => change("from", event.currentTarget.value)}
            />
          </label>
          <label>
            to{" "}
            <input
              type="date"
              value={localText(span.to - 1, zone).slice(0, 10)}
              onChange={(event) => change("to", event.currentTarget.value)}
            />
          </label>
        </>
      )}
    </div>
  );
}
