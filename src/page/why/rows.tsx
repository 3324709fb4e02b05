/** The rows behind a bar, one for each application and model. Each leads to its calls, of both periods. */
import { useEffect, useRef } from "preact/hooks";
import { CAUSES, sumOf } from "../causes.ts";
import type { Explanation } from "../explanation.ts";
import { formatCount } from "../figures.ts";
import { filtersOf, withFilter } from "../filters.ts";
import { groupName } from "../groups.ts";
import { Difference, Money } from "../parts/money.tsx";
import { type Column, Table } from "../parts/table.tsx";
import { addressOf } from "../route.ts";
import { type Bar, behind, type Row, type RowBehind, withBar } from "./behind.ts";

interface RowsProps {
  query: URLSearchParams;
  answer: Explanation;
  bar: Bar;
}

export function Rows({ query, answer, bar }: RowsProps) {
  const rows = behind(answer.rows, bar);
  const section = useRef<HTMLElement>(null);
  // A bar that was opened shows what is behind it, wherever the window is.
  useEffect(() => {
    if (bar !== null) section.current?.scrollIntoView({ block: "nearest" });
  }, [JSON.stringify(bar)]);
  const name = bar === null ? "Difference" : bar.kind === "cause" ? CAUSES[bar.cause].name : "Difference";
  const callsOf = ({ application, provider, model }: Row, from: string, to: string): string | null => {
    if (application === "(other)" || model === "(other)") return null;
    return addressOf("calls", { from, to, tz: answer.tz, ...linkFilters(query), application, provider, model });
  };
  const columns: Column<RowBehind>[] = [
    { key: "application", title: "Application", render: ({ row }) => narrowed(query, "application", row.application) },
    { key: "model", title: "Model", render: ({ row }) => narrowed(query, "model", row.model) },
    {
      key: "before",
      title: "Before",
      isFigure: true,
      render: ({ row }) => (
        <Side
          usd={row.before_usd}
          requests={row.before_requests}
          href={callsOf(row, answer.compare_from, answer.compare_to)}
        />
      ),
    },
    {
      key: "now",
      title: "Now",
      isFigure: true,
      render: ({ row }) => (
        <Side usd={row.after_usd} requests={row.after_requests} href={callsOf(row, answer.from, answer.to)} />
      ),
    },
    { key: "part", title: name, isFigure: true, render: ({ usd }) => <Difference usd={usd} /> },
  ];
  return (
    <section class="card why-rows" ref={section}>
      <div class="title">
        <h2>
          {bar === null ? "All rows" : "Behind "}
          {bar !== null && <bdi>{bar.kind === "cause" ? CAUSES[bar.cause].name : groupName(bar.value)}</bdi>}
          {": "}
          <Difference usd={sumOf(rows)} />
        </h2>
        {bar !== null && <a href={`/why?${withBar(query, null).toString()}`}>All rows</a>}
      </div>
      {rows.length === 0 ? (
        <p class="muted">No rows are behind it.</p>
      ) : (
        <Table
          caption="Rows behind the difference, by application and model"
          rows={rows}
          columns={columns}
          keyOf={({ row }) => JSON.stringify([row.application, row.provider, row.model])}
        />
      )}
    </section>
  );
}

function Side({ usd, requests, href }: { usd: string | null; requests: number; href: string | null }) {
  const shown = (
    <>
      <Money usd={usd} />
      <span class="why-count">
        {formatCount(requests)} {requests === 1 ? "call" : "calls"}
      </span>
    </>
  );
  return href === null || requests === 0 ? shown : <a href={href}>{shown}</a>;
}

/** A name that filters by itself. */
function narrowed(query: URLSearchParams, field: "application" | "model", value: string) {
  const name = <bdi>{groupName(value)}</bdi>;
  if (value === "(other)") return name;
  return <a href={`/why?${withBar(withFilter(query, field, value), null).toString()}`}>{name}</a>;
}

/** The filters of the view, for a link to another one. */
export function linkFilters(query: URLSearchParams): Record<string, string[]> {
  const filters: Record<string, string[]> = {};
  for (const { field, value } of filtersOf(query)) (filters[field] ??= []).push(value);
  return filters;
}
