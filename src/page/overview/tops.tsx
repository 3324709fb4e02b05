/** Who and what spends the most this month. */
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { type AskedPeriods, whyOf } from "../periods.ts";
import { formatBriefCount } from "../figures.ts";
import { groupName, rowValue } from "../groups.ts";
import { ledger, read, type Schemas, useAnswer } from "../ledger.ts";
import { shareOf } from "../money.ts";
import { ProblemMessage } from "../parts/message.tsx";
import { Difference, Money } from "../parts/money.tsx";
import { Skeleton } from "../parts/skeleton.tsx";
import { type Column, Table } from "../parts/table.tsx";
import { addressOf } from "../route.ts";
import { differenceOf } from "./spend.tsx";

type Row = Schemas["SummaryRow"];

const TOPS = [
  { key: "application", title: "Applications" },
  { key: "model", title: "Models" },
  { key: "user", title: "Users" },
] as const;

interface TopsProps {
  month: Required<AskedPeriods>;
  everyMs: number;
}

export function Tops(props: TopsProps) {
  return (
    <div class="tops">
      {TOPS.map(({ key, title }) => (
        <Top key={key} by={key} title={title} {...props} />
      ))}
      <TopTags {...props} />
    </div>
  );
}

/** The values of one tag. Which tags there are, the ledger tells. */
function TopTags(props: TopsProps) {
  const { from, to, tz } = props.month;
  const [chosen, setChosen] = useState<string | null>(null);
  const query = { field: "tag", from, to, tz, limit: 100 };
  const { data } = useAnswer(`tags ${JSON.stringify(query)}`, (signal) =>
    // Another question waits for it.
    read(ledger.GET("/v1/values", { params: { query }, signal, priority: "high" })),
  );
  const keys = data?.values.flatMap(({ value }) => value ?? []) ?? [];
  const key = chosen !== null && keys.includes(chosen) ? chosen : keys[0];
  if (key === undefined) return null;
  const choice = (
    <select aria-label="Tag" value={key} onChange={(event) => setChosen(event.currentTarget.value)}>
      {keys.map((name) => (
        <option key={name} value={name}>
          {name}
        </option>
      ))}
    </select>
  );
  return <Top key={key} by={`tag.${key}`} title="Tags" {...props} choice={choice} />;
}

interface TopProps extends TopsProps {
  by: (typeof TOPS)[number]["key"] | `tag.${string}`;
  title: string;
  choice?: ComponentChildren;
}

function Top({ by, title, month, everyMs, choice }: TopProps) {
  const query = { ...month, group_by: [by], limit: 8 };
  const { from, to, tz } = month;
  const { data, problem, retry } = useAnswer(
    `top ${JSON.stringify(query)}`,
    (signal) => read(ledger.GET("/v1/summary", { params: { query }, signal })),
    everyMs,
  );
  /** A filter can name a value, but neither the calls without one nor the rest. */
  const linked = (shown: ComponentChildren, row: Row, hrefOf: (value: string) => string): ComponentChildren => {
    const value = rowValue(row, by);
    return value === null || value === "(other)" ? shown : <a href={hrefOf(value)}>{shown}</a>;
  };
  const whole = data?.totals.cost_usd ?? null;
  const columns: Column<Row>[] = [
    {
      key: "name",
      title: title.slice(0, -1),
      render: (row) =>
        linked(<bdi>{groupName(rowValue(row, by))}</bdi>, row, (value) =>
          addressOf("explore", { [by]: value, from, to, tz }),
        ),
    },
    {
      key: "cost",
      title: "Cost",
      isFigure: true,
      render: (row) =>
        linked(<Money usd={row.cost_usd} />, row, (value) => addressOf("calls", { [by]: value, from, to, tz })),
    },
    {
      key: "share",
      title: "Share",
      isFigure: true,
      render: (row) => {
        const share = shareOf(row.cost_usd, whole);
        // Beside all others: this is what it is a share of.
        return share === null ? "\u2013" : <a href={addressOf("explore", { group_by: by, from, to, tz })}>{share}</a>;
      },
    },
    {
      key: "change",
      title: "Change",
      isFigure: true,
      render: (row) => linked(<Difference usd={differenceOf(row)} />, row, (value) => whyOf(month, { [by]: value })),
    },
    {
      key: "requests",
      title: "Requests",
      isFigure: true,
      render: (row) =>
        linked(formatBriefCount(row.requests), row, (value) => addressOf("calls", { [by]: value, from, to, tz })),
    },
  ];
  return (
    <section class="card top-list">
      <div class="title">
        <h2>{title}</h2>
        {choice}
      </div>
      <ProblemMessage problem={problem} retry={retry} />
      {data ? (
        <>
          <Table
            caption={`${title} of this month, by cost`}
            rows={data.rows}
            columns={columns}
            keyOf={(row) => rowValue(row, by) ?? ""}
          />
          {data.capped && <p class="muted">There are more values than the ledger tells apart; sums are exact.</p>}
        </>
      ) : (
        problem === null && <Skeleton rows={8} label={`Loading: ${title}`} />
      )}
    </section>
  );
}
