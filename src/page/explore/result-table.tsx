/** The rows of an answer: each leads to itself as a filter, and to its calls. Below them are the ledger's own totals. */
import { useMemo } from "preact/hooks";
import { navigate } from "../address.ts";
import { formatTime } from "../figures.ts";
import { fieldName } from "../filters.ts";
import { groupName, rowValue } from "../groups.ts";
import type { Schemas } from "../ledger.ts";
import { shareOf } from "../money.ts";
import { type Column, Table } from "../parts/table.tsx";
import type { Range } from "../range.ts";
import { DifferenceOf, FigureOf } from "./figure.tsx";
import { intervalOf } from "./question.ts";
import { callsAt, exploreAt, filteredBy } from "./links.ts";
import { difference, type Figure, type Metric, type Sums } from "./metrics.ts";
import { isOther, rowKey, sorted, type SummaryRow } from "./rows.ts";
import { type ExploreState, hasIntervals, withState } from "./state.ts";

interface ResultTableProps {
  answer: Schemas["Summary"];
  /** What the answer is of. */
  state: ExploreState;
  query: URLSearchParams;
  range: Range;
  /** What the address asks by now. Filters and sorts start from it. */
  here: URLSearchParams;
}

export function ResultTable({ answer, state, query, range, here }: ResultTableProps) {
  const rows = useMemo(() => sorted(answer.rows, state.sort, state), [answer, state.sort, state.metric]);
  const columns = columnsOf({ answer, state, query, range, here });
  const sortBy = (column: string): void => {
    const isText = column === "bucket" || state.groupBy.includes(column);
    const { sort } = state;
    // First the largest figures, or the first names; then the other way; then as the ledger orders them.
    const next =
      sort?.column !== column
        ? { column, descending: !isText }
        : sort.descending === !isText
          ? { column, descending: isText }
          : null;
    navigate(exploreAt(withState(here, { sort: next })));
  };
  return (
    <Table
      caption={captionOf(state)}
      rows={rows}
      columns={columns}
      keyOf={(row) =>
        hasIntervals(state) ? `${row.bucket ?? ""} ${rowKey(row, state.groupBy)}` : rowKey(row, state.groupBy)
      }
      sort={state.sort}
      onSort={sortBy}
    />
  );
}

function captionOf({ metric, groupBy }: ExploreState): string {
  return groupBy.length === 0
    ? `${metric.title} of all calls`
    : `${metric.title} by ${groupBy.map(fieldName).join(" and ")}`;
}

function columnsOf({ answer: { totals }, state, query, range, here }: ResultTableProps): Column<SummaryRow>[] {
  const { metric, groupBy, compares } = state;
  const interval = intervalOf(state, range);
  const bucketOf = (row: SummaryRow) =>
    hasIntervals(state) && row.bucket !== undefined ? { start: Date.parse(row.bucket), interval } : null;
  const names: Column<SummaryRow>[] = groupBy.map((key) => ({
    key,
    title: fieldName(key),
    isSortable: true,
    render: (row) => {
      const value = rowValue(row, key);
      const name = <bdi title={value ?? undefined}>{groupName(value)}</bdi>;
      const filtered = isOther(row, groupBy) ? null : filteredBy(here, [key], [value]);
      return filtered === null ? name : <a href={exploreAt(filtered)}>{name}</a>;
    },
  }));
  if (hasIntervals(state)) {
    names.unshift({
      key: "bucket",
      title: interval[0]!.toUpperCase() + interval.slice(1),
      isSortable: true,
      render: ({ bucket = "" }) => (
        <time dateTime={bucket}>{bucketName(Date.parse(bucket), interval, range.zone)}</time>
      ),
    });
  }
  if (names.length === 0) names.push({ key: "all", title: "Calls", render: () => "All calls" });
  names[0]!.total = "Total";
  const of = figureColumn(metric.of, metric.unit, totals);
  const figures: Column<SummaryRow>[] = [
    { key: "now", title: compares ? `${metric.title}, now` : metric.title, isSortable: true, ...of },
  ];
  if (compares) {
    const before = ({ previous }: Sums): Figure => (previous ? metric.of(previous) : null);
    const off = (sums: Sums): Figure => difference(metric.of(sums), before(sums));
    figures.push(
      { key: "before", title: "Before", isSortable: true, ...figureColumn(before, metric.unit, totals) },
      {
        key: "difference",
        title: "Difference",
        isSortable: true,
        isFigure: true,
        render: (row) => <DifferenceOf unit={metric.unit} figure={off(row)} />,
        total: <DifferenceOf unit={metric.unit} figure={off(totals)} />,
      },
    );
  }
  if (metric.isSum)
    figures.push({
      key: "share",
      title: "Share",
      isSortable: true,
      isFigure: true,
      render: (row) => <Share metric={metric} of={row} whole={totals} />,
    });
  if (metric.name !== "cost_usd")
    figures.push({
      key: "cost_usd",
      title: "Cost",
      isSortable: true,
      ...figureColumn((sums) => sums.cost_usd, "usd", totals),
    });
  if (metric.name !== "requests")
    figures.push({
      key: "requests",
      title: "Requests",
      isSortable: true,
      ...figureColumn((sums) => sums.requests, "count", totals),
    });
  return [
    ...names,
    ...figures,
    {
      key: "calls",
      title: "Calls",
      render: (row) => {
        const filtered = filteredBy(
          query,
          groupBy,
          groupBy.map((key) => rowValue(row, key)),
        );
        if (filtered === null || row.requests === 0) return null;
        return (
          <a
            href={callsAt(filtered, range, bucketOf(row))}
            aria-label={`Calls of ${groupBy.map((key) => groupName(rowValue(row, key))).join(", ") || "the range"}`}
          >
            Calls
          </a>
        );
      },
      total: (
        <a href={callsAt(query, range, null)} aria-label="All calls of the range">
          Calls
        </a>
      ),
    },
  ];
}

function figureColumn(of: (sums: Sums) => Figure, unit: Metric["unit"], totals: Sums) {
  return {
    isFigure: true,
    render: (row: SummaryRow) => <FigureOf unit={unit} figure={of(row)} />,
    total: <FigureOf unit={unit} figure={of(totals)} />,
  };
}

/** Of the whole, in percent and as a bar. */
function Share({ metric, of, whole }: { metric: Metric; of: Sums; whole: Sums }) {
  const [part, all] = [metric.of(of), metric.of(whole)];
  if (part === null || all === null) return <>{"\u2013"}</>;
  const percent = shareOf(String(part), String(all));
  const width = Number(all) > 0 ? Math.min(100, Math.max(0, (Number(part) / Number(all)) * 100)) : 0;
  return (
    <span class="explore-share">
      <span class="bar" aria-hidden="true" style={{ width: `${width}%` }} />
      {percent ?? "\u2013"}
    </span>
  );
}

/** An interval by its start: `30 Nov 2026`, with the time if it is an hour. */
export function bucketName(ms: number, interval: string, zone: string): string {
  const time = formatTime(ms, zone);
  return interval === "hour" ? time.slice(0, 16) : interval === "month" ? time.slice(0, 7) : time.slice(0, 10);
}
