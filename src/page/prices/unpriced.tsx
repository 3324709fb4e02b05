/** Models whose calls have no price. Each leads to its calls, and to the form that prices it. */
import { formatBriefCount, formatCount } from "../figures.ts";
import type { Loaded, Schemas } from "../ledger.ts";
import { ProblemMessage } from "../parts/message.tsx";
import { Skeleton } from "../parts/skeleton.tsx";
import { type Column, Table } from "../parts/table.tsx";
import { addressOf } from "../route.ts";
import { ModelCell } from "./model-cell.tsx";

type Model = Schemas["UnpricedModel"];

interface UnpricedProps {
  answer: Loaded<{ models: Model[] }>;
  /** Null: the session may not add prices. */
  hrefOf: ((model: Model) => string) | null;
}

const DAY_MS = 86_400_000;

export function Unpriced({ answer: { data, problem, retry }, hrefOf }: UnpricedProps) {
  const columns: Column<Model>[] = [
    {
      key: "model",
      title: "Model",
      render: (row) => (
        <ModelCell model={row.model} provider={row.provider} tier={row.service_tier} href={callsOf(row)}>
          since <time dateTime={row.first_day}>{row.first_day}</time>
        </ModelCell>
      ),
    },
    { key: "calls", title: "Calls", isFigure: true, render: (row) => formatCount(row.unpriced_requests) },
    { key: "tokens", title: "Tokens", isFigure: true, render: (row) => formatBriefCount(row.unpriced_tokens) },
  ];
  if (hrefOf !== null)
    columns.push({
      key: "set",
      title: "Price",
      isFigure: true,
      render: (row) => (
        <a class="prices-button" href={hrefOf(row)} aria-label={`Set price: ${row.model}`}>
          Set price
        </a>
      ),
    });
  return (
    <section class="card prices-unpriced">
      <h2>Models without a price</h2>
      <ProblemMessage problem={problem} retry={retry} />
      {!data ? (
        problem === null && <Skeleton rows={4} label="Loading models without a price" />
      ) : data.models.length === 0 ? (
        <p>Every call of this range has a price. A model that the ledger does not know shows here once it is called.</p>
      ) : (
        <>
          <p class="muted">Their calls are in no sum of cost. A price also restates past calls.</p>
          <Table
            caption="Models without a price, most tokens first"
            rows={data.models}
            columns={columns}
            keyOf={({ provider, model, service_tier: tier }) => JSON.stringify([provider, model, tier])}
          />
        </>
      )}
    </section>
  );
}

function callsOf({ provider, model, first_day: first, last_day: last }: Model): string {
  const to = new Date(Date.parse(last) + DAY_MS).toISOString();
  return addressOf("calls", { provider, model, unpriced: "true", from: `${first}T00:00:00.000Z`, to });
}
