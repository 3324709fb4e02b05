/** Custom prices: what holds, what holds later, and what held before. */
import { useState } from "preact/hooks";
import { formatTime } from "../figures.ts";
import type { Loaded } from "../ledger.ts";
import { ProblemMessage } from "../parts/message.tsx";
import { Skeleton } from "../parts/skeleton.tsx";
import { type Column, Table } from "../parts/table.tsx";
import { COMMON, FEE_NAMES, FEES, OTHER_TOKENS, type Price, TOKENS } from "./draft.ts";
import { type Held, historiesOf, termsOf } from "./history.ts";
import { ModelCell } from "./model-cell.tsx";
import { UnitPrice } from "./unit-price.tsx";

interface CustomProps {
  answer: Loaded<{ prices: Price[] }>;
  nowMs: number;
  hrefOf: ((price: Price) => string) | null;
}

type Row = Held & { key: string; when: "now" | "later" | "before"; first: boolean };

export function Custom({ answer: { data, problem, retry }, nowMs, hrefOf }: CustomProps) {
  const [isWhole, setWhole] = useState(false);
  const histories = historiesOf(data?.prices ?? [], nowMs);
  const earlier = histories.reduce((sum, { past }) => sum + past.length, 0);
  const rows = histories.flatMap(({ key, current, upcoming, past }): Row[] =>
    [
      ...upcoming.map((held) => ({ held, when: "later" as const })),
      ...(current ? [{ held: current, when: "now" as const }] : []),
      ...(isWhole ? past.map((held) => ({ held, when: "before" as const })) : []),
    ].map(({ held, when }, i) => ({ ...held, key, when, first: i === 0 })),
  );
  // A price is typed as a UTC day.
  const time = (at: string): string =>
    at.endsWith("T00:00:00.000Z") ? at.slice(0, 10) : `${formatTime(Date.parse(at), "UTC")} UTC`;
  const usd = (name: "input" | "cache_read" | "cache_write" | "output"): Column<Row> => ({
    key: name,
    title: COMMON[`${TOKENS}.${name}`]!,
    isFigure: true,
    render: ({ price }) => <UnitPrice usd={price[TOKENS]?.[name]} />,
  });
  const columns: Column<Row>[] = [
    {
      key: "model",
      title: "Model",
      render: ({ price: { id, model, provider, service_tier: tier, project_id: owner } }) => (
        <ModelCell id={`price-${id}`} model={model} provider={provider} tier={tier}>
          {owner === null && "for every project"}
        </ModelCell>
      ),
    },
    usd("input"),
    usd("cache_read"),
    usd("cache_write"),
    usd("output"),
    { key: "more", title: "And", render: ({ price }) => <More price={price} /> },
    {
      key: "from",
      title: "Holds",
      render: ({ price, until, when }) => (
        <span class={when === "before" ? "muted" : undefined}>
          {when === "later" ? "later, from " : when === "before" ? "held from " : "from "}
          {time(price.starts_at)}
          {until !== null && ` until ${time(until)}`}
        </span>
      ),
    },
  ];
  if (hrefOf !== null)
    columns.push({
      key: "replace",
      title: "Change",
      isFigure: true,
      render: ({ price, when }) =>
        when === "now" && price.project_id !== null ? (
          <a class="prices-button" href={hrefOf(price)} aria-label={`Replace the price of ${price.model}`}>
            Replace
          </a>
        ) : null,
    });
  return (
    <section class="card prices-custom">
      <div class="title">
        <h2>Custom prices</h2>
        {earlier > 0 && (
          <button type="button" class="quiet" aria-pressed={isWhole} onClick={() => setWhole(!isWhole)}>
            {isWhole ? "Hide earlier prices" : `Show ${earlier} earlier ${earlier === 1 ? "price" : "prices"}`}
          </button>
        )}
      </div>
      <ProblemMessage problem={problem} retry={retry} />
      {!data ? (
        problem === null && <Skeleton rows={4} label="Loading custom prices" />
      ) : histories.length === 0 ? (
        <p>
          There are none: calls cost what providers publish. A custom price goes before that, for a negotiated rate or a
          model of your own.
        </p>
      ) : (
        <>
          <p class="muted">
            USD per million tokens, by UTC days. Prices never change: a new one replaces an old one from its start.
          </p>
          <Table caption="Custom prices" rows={rows} columns={columns} keyOf={({ price }) => price.id} />
        </>
      )}
    </section>
  );
}

/** What has no column. */
function More({ price }: { price: Price }) {
  const units = Object.entries({ ...OTHER_TOKENS, ...FEE_NAMES }).flatMap(([field, name]) => {
    const [per, bucket] = field.split(".") as [typeof TOKENS | typeof FEES, string];
    const usd = (price[per] as Record<string, string> | null)?.[bucket];
    return usd === undefined ? [] : [{ field, name, usd, per: per === FEES ? " per thousand" : "" }];
  });
  const terms = termsOf(price);
  if (units.length === 0 && terms.length === 0) return <span class="muted">{"\u2013"}</span>;
  return (
    <ul class="prices-more">
      {units.map(({ field, name, usd, per }) => (
        <li key={field}>
          {name} <UnitPrice usd={usd} />
          {per}
        </li>
      ))}
      {terms.map((term) => (
        <li key={term}>
          <bdi>{term}</bdi>
        </li>
      ))}
    </ul>
  );
}
