/** The chart of an answer: its top groups over time. Figures at the cursor are exact; the table below has all others. */
import { useMemo } from "preact/hooks";
import { navigate } from "../address.ts";
import { fieldName } from "../filters.ts";
import type { Schemas } from "../ledger.ts";
import { Chart } from "../parts/chart.tsx";
import { type Range, withRange } from "../range.ts";
import { briefOf, FigureOf } from "./figure.tsx";
import { startsOf, zoomed } from "./intervals.ts";
import { exploreAt, filteredBy } from "./links.ts";
import { intervalOf } from "./question.ts";
import { bucketName } from "./result-table.tsx";
import { isOther, keyName, OTHER, rowKey, type SummaryRow, valuesOf } from "./rows.ts";
import { drawnOf } from "./series.ts";
import type { ExploreState } from "./state.ts";

interface ResultChartProps {
  answer: Schemas["Summary"];
  /** What the answer is of. */
  state: ExploreState;
  range: Range;
  /** Of the groups over the whole range: rates do not add up from intervals. */
  groups: readonly SummaryRow[];
  /** Is the same combined into (other) there? */
  hasSameRest: boolean;
  /** What the address asks by now. Links and zooms start from it. */
  here: URLSearchParams;
}

export function ResultChart({ answer, state, range, groups, hasSameRest, here }: ResultChartProps) {
  const { metric, groupBy, drawing, isCumulative } = state;
  const interval = intervalOf(state, range);
  const { xs, series, figures, totals, wholes, previous } = useMemo(
    () => drawnOf(answer.rows, startsOf(interval, range, range.zone), state),
    [answer, isCumulative, metric],
  );
  const whole = useMemo(
    () =>
      wholes ??
      new Map(
        groups
          .filter((row) => hasSameRest || !isOther(row, groupBy))
          .map((row) => [rowKey(row, groupBy), metric.of(row)]),
      ),
    [wholes, groups, hasSameRest, metric],
  );
  if (series.length === 0 || drawing === "table") return null;
  const hrefOf = (key: string): string | null => {
    if (groupBy.length === 0) return null;
    const filtered = filteredBy(here, groupBy, valuesOf(key, groupBy));
    return filtered === null ? null : exploreAt(filtered);
  };
  const by = groupBy.length === 0 ? "" : ` and ${groupBy.map(fieldName).join(" and ")}`;
  return (
    <Chart
      // Rates and percentiles do not add up, so they are not stacked.
      kind={metric.isSum ? drawing : "lines"}
      label={`${metric.title} by ${interval}${by} in ${range.zone}. The table below has the figures.`}
      zone={range.zone}
      xs={xs}
      series={series}
      previous={previous}
      restKey={OTHER}
      height={300}
      format={briefOf(metric.unit)}
      nameOf={(key) => (groupBy.length === 0 ? metric.title : keyName(key, groupBy))}
      hrefOf={hrefOf}
      onPick={(key) => {
        const href = hrefOf(key);
        if (href !== null) navigate(href);
      }}
      onZoom={(fromMs, toMs) => {
        const span = zoomed(interval, range, fromMs, toMs);
        navigate(exploreAt(withRange(here, { ...span, zone: range.zone })));
      }}
      timeAt={(place) =>
        `${bucketName(xs[place]! * 1_000, interval, range.zone)}${isCumulative ? ", and all before" : ""}:`
      }
      figureAt={(key, place) => {
        if (key === null) {
          if (place === null) return <FigureOf unit={metric.unit} figure={metric.of(answer.totals)} />;
          return totals && <FigureOf unit={metric.unit} figure={totals[place]!} />;
        }
        if (place === null) return whole.has(key) && <FigureOf unit={metric.unit} figure={whole.get(key)!} />;
        return <FigureOf unit={metric.unit} figure={figures.get(key)?.[place] ?? null} />;
      }}
    />
  );
}
