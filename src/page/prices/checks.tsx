/** What shows that a price or a usage may be wrong: costs that others report, and usage that no rule reads. */
import { useState } from "preact/hooks";
import { formatCount, formatTime } from "../figures.ts";
import { groupName } from "../groups.ts";
import { ledger, read, type Schemas, useAnswer } from "../ledger.ts";
import { ProblemMessage } from "../parts/message.tsx";
import { Difference, Money } from "../parts/money.tsx";
import { Skeleton } from "../parts/skeleton.tsx";
import { type Column, Table } from "../parts/table.tsx";
import type { Range } from "../range.ts";
import { addressOf } from "../route.ts";
import { iso } from "../zone.ts";
import { ModelCell } from "./model-cell.tsx";

interface ChecksProps {
  range: Range;
  /** Costs change when a job is done. */
  version: string;
}

export function Differences({ range, version }: ChecksProps) {
  const query = { from: iso(range.from), to: iso(range.to), tz: range.zone };
  const { data, problem, retry } = useAnswer(`differences ${version} ${JSON.stringify(query)}`, (signal) =>
    read(ledger.GET("/v1/prices/differences", { params: { query }, signal })),
  );
  const columns: Column<Schemas["PriceDifference"]>[] = [
    {
      key: "model",
      title: "Model",
      render: ({ provider, model, service_tier: tier }) => (
        <ModelCell
          model={model}
          provider={provider}
          tier={tier}
          href={addressOf("calls", { provider, model, ...query })}
        />
      ),
    },
    { key: "calls", title: "Calls", isFigure: true, render: ({ requests }) => formatCount(requests) },
    { key: "ours", title: "Ours", isFigure: true, render: (row) => <Money usd={row.cost_usd} /> },
    { key: "reported", title: "Reported", isFigure: true, render: (row) => <Money usd={row.reported_cost_usd} /> },
    {
      key: "difference",
      title: "Difference",
      isFigure: true,
      render: (row) => <Difference usd={row.difference_usd} />,
    },
    {
      key: "example",
      title: "Differs most",
      isFigure: true,
      render: (row) => <a href={addressOf("call", {}, row.example)}>Receipt</a>,
    },
  ];
  return (
    <section class="card prices-differences">
      <h2>Ours against reported</h2>
      <p class="muted">Over calls of which both costs are known. Reported costs never change ours.</p>
      <ProblemMessage problem={problem} retry={retry} />
      {!data ? (
        problem === null && <Skeleton rows={3} label="Loading differences" />
      ) : data.differences.length === 0 ? (
        <p>Nobody reports another cost in this range.</p>
      ) : (
        <Table
          caption="Costs that others report otherwise, the largest difference first"
          rows={data.differences}
          columns={columns}
          keyOf={({ provider, model, service_tier: tier }) => JSON.stringify([provider, model, tier])}
        />
      )}
    </section>
  );
}

/** It reads every call of the range, so it is asked only by who wants it. */
export function UnknownMembers({ range }: { range: Range }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <details class="card prices-members" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>Usage that no rule reads</summary>
      {isOpen && <Members range={range} />}
    </details>
  );
}

function Members({ range }: { range: Range }) {
  const query = { from: iso(range.from), to: iso(range.to), tz: range.zone };
  const { data, problem, retry } = useAnswer(`members ${JSON.stringify(query)}`, (signal) =>
    read(ledger.GET("/v1/prices/unknown-members", { params: { query }, signal })),
  );
  const columns: Column<Schemas["UnknownMember"]>[] = [
    {
      key: "member",
      title: "Member",
      render: ({ member }) => (
        <code>
          <bdi>{member}</bdi>
        </code>
      ),
    },
    { key: "provider", title: "Provider", render: ({ provider }) => <bdi>{groupName(provider)}</bdi> },
    { key: "rule", title: "Read by", render: ({ rule }) => <bdi>{rule}</bdi> },
    { key: "calls", title: "Calls", isFigure: true, render: ({ requests }) => formatCount(requests) },
    {
      key: "since",
      title: "Since",
      isFigure: true,
      render: (row) => <time dateTime={row.first_seen}>{formatTime(Date.parse(row.first_seen), range.zone)}</time>,
    },
    {
      key: "example",
      title: "Latest",
      isFigure: true,
      render: (row) => <a href={addressOf("call", {}, row.example)}>Receipt</a>,
    },
  ];
  return (
    <>
      <p class="muted">A new member of a usage object may change the price of its calls.</p>
      <ProblemMessage problem={problem} retry={retry} />
      {!data ? (
        problem === null && <Skeleton rows={3} label="Loading unknown usage" />
      ) : data.members.length === 0 ? (
        <p>Every member of the usage in this range is read.</p>
      ) : (
        <Table
          caption="Members of usage objects that no rule reads, most calls first"
          rows={data.members}
          columns={columns}
          keyOf={({ provider, member, rule }) => JSON.stringify([provider, member, rule])}
        />
      )}
    </>
  );
}
