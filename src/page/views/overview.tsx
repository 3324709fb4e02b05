/** `/`: what it costs today and this month, why that changed, and who spends it. */
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { sentenceOf, stepsOf } from "../causes.ts";
import { formatBriefCount, formatCount, formatDuration, formatShare } from "../figures.ts";
import { ledger, read, type Schemas, useAnswer } from "../ledger.ts";
import { drawnUsd, shareOf } from "../money.ts";
import { AsOf } from "../parts/as-of.tsx";
import { Chart } from "../parts/chart.tsx";
import { Message, ProblemMessage } from "../parts/message.tsx";
import { Change, Money } from "../parts/money.tsx";
import { Skeleton } from "../parts/skeleton.tsx";
import { type Column, Table } from "../parts/table.tsx";
import { Waterfall } from "../parts/waterfall.tsx";
import { addressOf } from "../route.ts";
import { seriesOf } from "../stack.ts";
import type { ViewProps } from "../views.ts";
import { isZone, ownZone, type Periods, thisMonth, today } from "../zone.ts";
import { groupName, rowValue } from "../groups.ts";

type Sums = Schemas["Sums"];
type Row = Schemas["SummaryRow"];

const EVERY_MS = 15_000;
const TOPS = [
  { key: "application", title: "Applications" },
  { key: "model", title: "Models" },
  { key: "user", title: "Users" },
] as const;

export default function Overview({ query }: ViewProps) {
  const asked = query.get("tz");
  const zone = asked !== null && isZone(asked) ? asked : ownZone();
  const nowMs = Math.floor(Date.now() / 3_600_000) * 3_600_000;
  const month = thisMonth(zone, nowMs);
  const figures = useComparison(month, zone, EVERY_MS);
  const day = useComparison(today(zone, nowMs), zone, EVERY_MS);
  const totals = figures.data?.totals;
  return (
    <>
      <div class="title">
        <h1>Overview</h1>
        <AsOf at={figures.data?.as_of} zone={zone} isStale={figures.data !== null && figures.problem !== null} />
      </div>
      {asked !== null && !isZone(asked) && (
        <Message kind="warning" title={`There is no time zone “${asked}”`}>
          Days begin as in {zone} instead. <a href="/">Leave the zone out</a>.
        </Message>
      )}
      <ProblemMessage problem={figures.problem} retry={figures.retry} />
      {!totals && figures.problem === null && <Skeleton rows={12} label="Loading the overview" />}
      {/* Hidden, all of it asks at once; shown at once, nothing moves. */}
      <div hidden={!totals}>
        {totals && <Coverage totals={totals} />}
        <div class="cards">
          <Spend title="This month" id="total-cost" totals={totals} than="the same time of last month" />
          <Spend title="Today" totals={day.data?.totals} than="the same time of yesterday" />
        </div>
        <Rates totals={totals} />
        {totals?.requests === 0 ? (
          <Message kind="empty" title="No calls this month">
            Send some to this ledger, and they show here within seconds. <a href="/docs">How to send calls</a>.
          </Message>
        ) : (
          <>
            <Why month={month} zone={zone} />
            <OverTime month={month} zone={zone} />
            <div class="tops">
              {TOPS.map(({ key, title }) => (
                <Top key={key} by={key} title={title} month={month} zone={zone} />
              ))}
              <TopTags month={month} zone={zone} />
            </div>
          </>
        )}
      </div>
    </>
  );
}

function useComparison({ from, to, compareFrom, compareTo }: Periods, zone: string, everyMs: number) {
  const query = {
    from: iso(from),
    to: iso(to),
    tz: zone,
    compare_from: iso(compareFrom),
    compare_to: iso(compareTo),
    include: ["latency", "rates"] as ("latency" | "rates")[],
  };
  return useAnswer(
    JSON.stringify(query),
    (signal) => read(ledger.GET("/v1/summary", { params: { query }, signal })),
    everyMs,
  );
}

function Spend({ title, id, totals, than }: { title: string; id?: string; totals: Sums | undefined; than: string }) {
  return (
    <section class="card spend">
      <h2>{title}</h2>
      {totals ? (
        <>
          <p class="big">
            <Money usd={totals.cost_usd} {...(id !== undefined && { id })} />
          </p>
          <p>
            <Change
              now={totals.cost_usd}
              before={totals.previous?.cost_usd ?? null}
              difference={totals.difference_usd ?? "0"}
            />{" "}
            <span class="muted">against {than}</span>
          </p>
        </>
      ) : (
        <Skeleton rows={2} label={`Loading: ${title}`} />
      )}
    </section>
  );
}

function Coverage({ totals }: { totals: Sums }) {
  if (totals.unpriced_requests === 0) return null;
  return (
    <Message kind="warning" title={`${formatCount(totals.unpriced_requests)} calls of this month have no price`}>
      Their {formatCount(totals.unpriced_tokens)} tokens are not in any sum. <a href="/prices">Set a price</a>, and the
      past is restated.
    </Message>
  );
}

function Rates({ totals }: { totals: Sums | undefined }) {
  const figures = [
    ["Requests", totals && formatBriefCount(totals.requests)],
    ["Tokens", totals && formatBriefCount(totals.total_tokens)],
    ["Errors", totals && formatShare(totals.error_rate)],
    ["Cache hits", totals && formatShare(totals.cache_hit_rate)],
    ["Cache saved, about", totals && <Money usd={totals.cache_savings_estimate_usd ?? null} />],
    ["Latency, p95", totals && formatDuration(totals.latency_ms?.p95)],
    ["Reported by others", totals && totals.reported_requests > 0 && <Reported totals={totals} />],
  ] as const;
  return (
    <dl class="figures">
      {figures
        .filter(([, value]) => value !== false)
        .map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value ?? "…"}</dd>
          </div>
        ))}
    </dl>
  );
}

function Reported({ totals }: { totals: Sums }) {
  return (
    <a href="/prices" title={`For ${formatCount(totals.reported_requests)} calls. Ours may cover more.`}>
      <Money usd={totals.reported_cost_usd} />
    </a>
  );
}

function Why({ month, zone }: { month: Periods; zone: string }) {
  const query = {
    from: iso(month.from),
    to: iso(month.to),
    tz: zone,
    compare_from: iso(month.compareFrom),
    compare_to: iso(month.compareTo),
  };
  const { data, problem, retry } = useAnswer(`explain ${JSON.stringify(query)}`, (signal) =>
    read(ledger.GET("/v1/explain", { params: { query }, signal })),
  );
  return (
    <section class="card why">
      <h2>
        <a href={addressOf("why", { from: query.from, to: query.to, tz: zone })}>Why it changed</a>
      </h2>
      <ProblemMessage problem={problem} retry={retry} />
      {data ? (
        <>
          <p class="sentence" data-usd={data.difference_usd}>
            {sentenceOf(data.difference_usd, data.parts)}
          </p>
          <Waterfall
            label="From last month's cost to this month's, by cause"
            steps={stepsOf(data.before.cost_usd, data.after.cost_usd, data.parts)}
          />
        </>
      ) : (
        problem === null && <Skeleton rows={5} label="Loading why it changed" />
      )}
    </section>
  );
}

function OverTime({ month, zone }: { month: Periods; zone: string }) {
  const [by, setBy] = useState<"application" | "model">("model");
  const query = {
    from: iso(month.from),
    to: iso(month.to),
    tz: zone,
    interval: "day" as const,
    group_by: [by],
    limit: 8,
  };
  const { data, problem, retry } = useAnswer(
    `series ${JSON.stringify(query)}`,
    // Until the next answer is there, the last one is shown by what it is grouped by.
    async (signal) => ({ by, rows: (await read(ledger.GET("/v1/summary", { params: { query }, signal }))).rows }),
    EVERY_MS,
  );
  return (
    <section class="card">
      <h2>Cost by day</h2>
      <div class="choice" role="group" aria-label="Stacked by">
        {(["model", "application"] as const).map((name) => (
          <button key={name} type="button" aria-pressed={name === by} onClick={() => setBy(name)}>
            by {name}
          </button>
        ))}
      </div>
      <ProblemMessage problem={problem} retry={retry} />
      {data ? (
        <Chart
          kind="bars"
          label={`Cost by day and ${data.by} in ${zone}, stacked. The tables below have the figures.`}
          zone={zone}
          nameOf={(key) => groupName(key === "" ? null : key)}
          hrefOf={(key) => addressOf("explore", { [data.by]: key, from: query.from, to: query.to, tz: zone })}
          {...seriesOf(
            data.rows,
            (row) => rowValue(row, data.by) ?? "",
            (row) => drawnUsd(row.cost_usd),
          )}
        />
      ) : (
        problem === null && <Skeleton rows={8} label="Loading cost by day" />
      )}
    </section>
  );
}

/** The values of one tag. Which tags there are, the ledger tells. */
function TopTags({ month, zone }: { month: Periods; zone: string }) {
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
  return <Top key={key} by={`tag.${key}`} title="Tags" month={month} zone={zone} choice={choice} />;
}

interface TopProps {
  by: (typeof TOPS)[number]["key"] | `tag.${string}`;
  title: string;
  month: Periods;
  zone: string;
  choice?: ComponentChildren;
}

function Top({ by, title, month, zone, choice }: TopProps) {
  const query = { from: iso(month.from), to: iso(month.to), tz: zone, group_by: [by], limit: 8 };
  const { data, problem, retry } = useAnswer(
    `top ${JSON.stringify(query)}`,
    (signal) => read(ledger.GET("/v1/summary", { params: { query }, signal })),
    EVERY_MS,
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

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
