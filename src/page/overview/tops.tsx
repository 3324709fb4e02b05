/** Who and what spends the most this month. */
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { formatCount } from "../figures.ts";
import { groupName, rowValue } from "../groups.ts";
import { ledger, read, type Schemas, useAnswer } from "../ledger.ts";
import { shareOf } from "../money.ts";
import { ProblemMessage } from "../parts/message.tsx";
import { Money } from "../parts/money.tsx";
import { Skeleton } from "../parts/skeleton.tsx";
import { type Column, Table } from "../parts/table.tsx";
import { addressOf } from "../route.ts";
import { iso, type Periods } from "../zone.ts";

type Row = Schemas["SummaryRow"];

const TOPS = [
  { key: "application", title: "Applications" },
  { key: "model", title: "Models" },
  { key: "user", title: "Users" },
] as const;

interface TopsProps {
  month: Periods;
  zone: string;
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
  const { month, zone } = props;
  const [chosen, setChosen] = useState<string | null>(null);
  const query = { field: "tag", from: iso(month.from), to: iso(month.to), tz: zone, limit: 100 };
  const { data } = useAnswer(`tags ${JSON.stringify(query)}`, (signal) =>
    read(ledger.GET("/v1/values", { params: { query }, signal })),
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

function Top({ by, title, month, zone, everyMs, choice }: TopProps) {
  const query = { from: iso(month.from), to: iso(month.to), tz: zone, group_by: [by], limit: 8 };
  const { data, problem, retry } = useAnswer(
    `top ${JSON.stringify(query)}`,
    (signal) => read(ledger.GET("/v1/summary", { params: { query }, signal })),
    everyMs,
  );
  const whole = data?.totals.cost_usd ?? null;
  const columns: Column<Row>[] = [
    {
      key: "name",
      title: title.slice(0, -1),
      render: (row) => {
        const value = rowValue(row, by);
        const name = <bdi>{groupName(value)}</bdi>;
        if (value === null || value === "(other)") return name;
        return <a href={addressOf("explore", { [by]: value, from: query.from, to: query.to, tz: zone })}>{name}</a>;
      },
    },
    { key: "cost", title: "Cost", isFigure: true, render: (row) => <Money usd={row.cost_usd} /> },
    { key: "share", title: "Share", isFigure: true, render: (row) => shareOf(row.cost_usd, whole) ?? "\u2013" },
    { key: "requests", title: "Requests", isFigure: true, render: (row) => formatCount(row.requests) },
  ];
  return (
    <section class="card top-list">
      <div class="title">
        <h2>{title}</h2>
        {choice}
      </div>
      <ProblemMessage problem={problem} retry={retry} />
      {data ? (
        <Table
          caption={`${title} of this month, by cost`}
          rows={data.rows}
          columns={columns}
          keyOf={(row) => rowValue(row, by) ?? ""}
        />
      ) : (
        problem === null && <Skeleton rows={8} label={`Loading: ${title}`} />
      )}
    </section>
  );
}
